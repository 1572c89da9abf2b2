//! Jobs from their beginning to each of their ends.

use std::io::Read;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gligen_pipeline::Layout;
use gligen_server::Options;
use serde_json::json;

use crate::client::{PATIENCE, endless, layout, start};

#[test]
fn a_layout_becomes_pictures_that_repeat_themselves() {
    let server = start(Options::default());
    let mut two = layout(2);
    two["num_images"] = json!(2);
    let answer = server.generate(&two);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let job = answer.json();
    assert_eq!(job["status"], "completed");
    let image = &job["result"]["images"][1];
    assert_eq!(image["seed"], 8);
    let png = STANDARD.decode(image["b64_json"].as_str().unwrap()).unwrap();
    assert_eq!(image::load_from_memory(&png).unwrap().to_rgb8().dimensions(), (128, 128));
    assert_eq!(server.get(image["url"].as_str().unwrap()).body, png);

    // The second of the batch, drawn again from what its file says.
    let stored = Layout::from_bytes(&png).unwrap();
    let again = server.ask("POST", "/v1/generate", &["Accept: image/png"], stored.to_json().as_bytes());
    assert_eq!(again.header("content-type"), Some("image/png"));
    assert_eq!(again.header("gligen-seed"), Some("8"));
    assert!(again.body == png);
}

#[test]
fn events_tell_of_every_step_and_end_with_the_result() {
    let server = start(Options::default());
    let id = server.submit(&layout(8));
    let answer = server.get(&format!("/v1/jobs/{id}/events"));
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let events = answer.events();
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    let rank = |name: &str| ["queued", "progress", "preview", "done"].iter().position(|known| *known == name);
    assert!(names.iter().all(|name| rank(name).is_some()), "{names:?}");
    assert!(names.contains(&"progress") && names.contains(&"preview"), "{names:?}");
    let steps: Vec<u64> = events.iter().filter_map(|(_, data)| data["step"].as_u64()).collect();
    assert!(steps.is_sorted() && steps.iter().all(|&step| step <= 8), "{steps:?}");
    let preview = &events.iter().find(|(name, _)| name == "preview").unwrap().1;
    assert!(preview["images"][0].as_str().unwrap().starts_with("data:image/png;base64,"));
    let (last, job) = events.last().unwrap();
    assert_eq!((last.as_str(), &job["status"]), ("done", &json!("completed")));
    assert!(names[..names.len() - 1].iter().all(|name| *name != "done"));

    // Who comes late hears of the end alone.
    let late = server.get(&format!("/v1/jobs/{id}/events")).events();
    assert_eq!((late.len(), late[0].0.as_str()), (1, "done"));
}

#[test]
fn a_running_job_is_cancelled_and_the_next_one_drawn() {
    let server = start(Options::default());
    let id = server.submit(&endless());
    let next = server.submit(&layout(2));
    server.wait_for(&id, "generating");
    let path = format!("/v1/jobs/{id}");
    assert_eq!(server.ask("DELETE", &path, &[], b"").status, 200);
    let events = server.get(&format!("{path}/events")).events();
    assert_eq!(events.last().unwrap().0, "cancelled");
    assert_eq!(server.job(&id)["status"], "cancelled");
    server.wait_for(&next, "completed");
    let again = server.ask("DELETE", &path, &[], b"");
    assert_eq!(
        (again.status, again.json()["detail"].as_str().unwrap()),
        (409, "this job is cancelled already")
    );
}

#[test]
fn a_full_queue_says_when_to_come_back_and_a_cancelled_job_frees_its_place() {
    let server = start(Options { queue: 1, ..Options::default() });
    let running = server.submit(&endless());
    server.wait_for(&running, "generating");
    let waiting = server.submit(&layout(2));
    assert_eq!(server.job(&waiting)["queue_position"], 1);

    let refused = server.generate(&layout(2));
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(refused.json()["detail"], "the queue is full: 1 jobs wait");
    assert_eq!(server.get("/readyz").status, 503);

    server.ask("DELETE", &format!("/v1/jobs/{waiting}"), &[], b"");
    assert_eq!(server.get(&format!("/v1/jobs/{waiting}/events")).events()[0].0, "cancelled");
    let last = server.submit(&layout(2));
    server.ask("DELETE", &format!("/v1/jobs/{running}"), &[], b"");
    server.wait_for(&last, "completed");
    assert_eq!(server.metric("gligen_jobs_total{status=\"cancelled\"}"), 2.0);
    assert_eq!(server.metric("gligen_jobs_refused_total"), 1.0);
}

#[test]
fn a_client_that_goes_away_stops_its_job() {
    let server = start(Options::default());
    let streamed = json!({"prompt": "a cat", "steps": 250, "stream": true});
    for (cancelled, (path, body)) in
        [("/v1/generate", endless()), ("/v1/images/generations", streamed)].iter().enumerate()
    {
        let begun = server.metric("gligen_evaluations_total");
        let stream = server.send("POST", path, &[], body.to_string().as_bytes());
        let start = Instant::now();
        while server.metric("gligen_evaluations_total") < begun + 2.0 {
            assert!(start.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(stream);
        while server.metric("gligen_jobs_total{status=\"cancelled\"}") < (cancelled + 1) as f64 {
            assert!(start.elapsed() < PATIENCE, "{path}");
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(server.metric("gligen_jobs_running"), 0.0);
    }
}

#[test]
fn results_are_kept_for_a_time_and_then_gone() {
    let server = start(Options { keep_results: Duration::ZERO, ..Options::default() });
    let id = server.submit(&layout(1));
    let start = Instant::now();
    let gone = loop {
        let answer = server.get(&format!("/v1/jobs/{id}"));
        if answer.status != 200 {
            break answer;
        }
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(gone.status, 410);
    assert_eq!(server.get(&format!("/v1/jobs/{id}/events")).status, 410);
    assert_eq!(server.get("/v1/jobs/0123456789abcdef").status, 404);
}

#[test]
fn a_server_that_stops_finishes_what_it_draws_and_gives_up_what_waits() {
    let mut server = start(Options::default());
    let body = layout(30).to_string();
    let mut running = server.send("POST", "/v1/generate", &[], body.as_bytes());
    let start = Instant::now();
    while server.metric("gligen_jobs_running") < 1.0 {
        assert!(start.elapsed() < PATIENCE);
    }
    let mut waiting = server.send("POST", "/v1/generate", &[], body.as_bytes());
    while server.metric("gligen_jobs_waiting") < 1.0 {
        assert!(start.elapsed() < PATIENCE);
    }
    server.stop();
    let read = |stream: &mut std::net::TcpStream| {
        let mut text = Vec::new();
        stream.read_to_end(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    };
    let given_up = read(&mut waiting);
    assert!(given_up.starts_with("HTTP/1.1 503") && given_up.contains("shutting down"), "{given_up}");
    assert!(read(&mut running).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_part_of_a_picture_in_the_request_is_repainted() {
    let server = start(Options::default());
    let room = server.ask("POST", "/v1/generate", &["Accept: image/png"], layout(2).to_string().as_bytes());
    let mut again = layout(2);
    again["inpaint_image"] = json!(format!("data:image/png;base64,{}", STANDARD.encode(&room.body)));
    again["inpaint_mode"] = json!("blend");
    again["objects"][0]["box"] = json!([0.5, 0.5, 1.0, 1.0]);
    let answer = server.ask("POST", "/v1/generate", &["Accept: image/png"], again.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let pixel = |png: &[u8], x, y| *image::load_from_memory(png).unwrap().to_rgb8().get_pixel(x, y);
    assert_eq!(pixel(&answer.body, 3, 3), pixel(&room.body, 3, 3));
    // The picture is in the file, too: it can be drawn again.
    let stored = Layout::from_bytes(&answer.body).unwrap();
    assert!(stored.inpaint_image.unwrap().to_str().unwrap().starts_with("data:"));
}
