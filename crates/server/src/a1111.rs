//! `/sdapi/v1/…`, as clients of AUTOMATIC1111's web UI speak it.
//!
//! Boxes come where its extensions take their arguments: `alwayson_scripts.gligen.args[0].objects`, as in a layout,
//! beside `scheduled_sampling_beta`. Of `img2img` there is what has a mask: repainting.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gligen_pipeline::{InpaintMode, Layout, parameters};
use gligen_schedulers::SchedulerKind;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::App;
use crate::about::inpaint_mode;
use crate::answer::json_answer;
use crate::job::{Finished, State as JobState};
use crate::problem::Problem;
use crate::work::{submit, utf8, wait};

/// A problem as clients of that API read it.
pub(crate) struct Detail(Problem);

impl From<Problem> for Detail {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Detail {
    fn into_response(self) -> Response {
        let detail = self.0.message();
        self.0.in_other_words(&json!({"detail": detail}))
    }
}

pub(crate) async fn txt2img(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Detail> {
    draw(&app, &headers, body, |text| layout(text, None)).await
}

pub(crate) async fn img2img(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Detail> {
    let mode = inpaint_mode(&app);
    draw(&app, &headers, body, move |text| layout(text, Some(mode))).await
}

async fn draw(
    app: &Arc<App>,
    headers: &HeaderMap,
    body: Body,
    layout: impl FnOnce(&str) -> Result<Layout, Problem> + Send + 'static,
) -> Result<Response, Detail> {
    let job = submit(app, headers, body, |bytes| layout(utf8(bytes)?)).await?;
    let finished = wait(app, &job).await?;
    Ok(json_answer(StatusCode::OK, &answer(&finished, &app.options.model.name)))
}

fn answer(finished: &Finished, model: &str) -> Value {
    let layouts = finished.images.iter().map(|image| image.layout.as_ref());
    let texts: Vec<_> = layouts.flatten().map(|layout| parameters(layout, model)).collect();
    let seeds: Vec<_> = finished.images.iter().map(|image| image.seed).collect();
    let info = json!({"seed": seeds.first(), "all_seeds": seeds, "infotexts": texts, "sd_model_name": model});
    json!({
        "images": finished.images.iter().map(|image| STANDARD.encode(&image.png)).collect::<Vec<_>>(),
        "parameters": {},
        "info": info.to_string(), // a text with JSON in it, there too
    })
}

/// The fields that mean something here; the others are left alone, as clients send all that they know.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "TextToImage")]
pub(crate) struct Fields {
    #[serde(default)]
    prompt: String,
    #[serde(default)]
    negative_prompt: String,
    seed: Option<i64>,
    steps: Option<usize>,
    cfg_scale: Option<f64>,
    width: Option<usize>,
    height: Option<usize>,
    batch_size: Option<usize>,
    n_iter: Option<usize>,
    sampler_name: Option<String>,
    sampler_index: Option<String>,
    eta: Option<f64>,
    #[serde(default)]
    alwayson_scripts: Value,
    #[serde(default)]
    init_images: Vec<String>,
    mask: Option<String>,
    #[serde(default)]
    inpainting_mask_invert: Value,
}

/// The layout that the request `text` asks for; with an `inpaint_mode` it must bring a picture and a mask.
fn layout(text: &str, inpaint_mode: Option<InpaintMode>) -> Result<Layout, Problem> {
    let bad = |error: serde_json::Error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string());
    let fields: Fields = serde_json::from_str(text).map_err(bad)?;
    let mut layout = Map::new();
    // What is not given has the model's default, not that program's.
    let mut set =
        |key: &str, value: Option<Value>| layout.extend(value.map(|value| (key.to_string(), value)));
    set("prompt", Some(fields.prompt.into()));
    set("negative_prompt", Some(fields.negative_prompt).filter(|text| !text.is_empty()).map(Into::into));
    set("seed", Some(fields.seed.unwrap_or(-1).max(-1).into()));
    set("steps", fields.steps.map(Into::into));
    set("guidance_scale", fields.cfg_scale.map(Into::into));
    set("width", fields.width.map(Into::into));
    set("height", fields.height.map(Into::into));
    set("eta", fields.eta.map(Into::into));
    let pictures = fields.batch_size.unwrap_or(1).saturating_mul(fields.n_iter.unwrap_or(1));
    set("num_images", Some(pictures.into()));
    let sampler = fields.sampler_name.or(fields.sampler_index).filter(|name| !name.is_empty());
    set("scheduler", sampler.map(|name| scheduler(&name)).transpose()?.map(Into::into));
    if let Value::Object(ours) = &fields.alwayson_scripts["gligen"]["args"][0] {
        ours.iter().for_each(|(key, value)| set(key, Some(value.clone())));
    }
    if let Some(mode) = inpaint_mode {
        let (Some(image), Some(mask)) = (fields.init_images.into_iter().next(), fields.mask) else {
            let detail = "`mask`: img2img without `init_images` and `mask` is not supported";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
                .hint("give a mask, white where to repaint"));
        };
        if ![Value::Null, json!(0), json!(false)].contains(&fields.inpainting_mask_invert) {
            let detail = "`inpainting_mask_invert`: expected 0, as white is where to repaint";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
        set("inpaint_image", Some(image.into()));
        set("inpaint_mask", Some(mask.into()));
        set("inpaint_mode", Some(mode.name().into()));
    }
    Ok(Layout::from_json(&Value::from(layout).to_string())?)
}

/// Our name of the sampler that they call `name`; ours are taken too.
fn scheduler(name: &str) -> Result<&'static str, Problem> {
    let ours = || SchedulerKind::ALL.iter().copied().find(|kind| kind.name().eq_ignore_ascii_case(name));
    let kind = SchedulerKind::from_a1111_name(name).or_else(ours);
    kind.map(|kind| kind.name()).ok_or_else(|| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("`sampler_name`: no sampler `{name}`"))
            .hint("GET /sdapi/v1/samplers lists them")
    })
}

/// What they call a sampler; ours where they have none.
fn label(kind: &SchedulerKind) -> &'static str {
    kind.a1111_name().unwrap_or(kind.name())
}

pub(crate) async fn samplers() -> Response {
    let json = |kind: &SchedulerKind| json!({"name": label(kind), "aliases": [kind.name()], "options": {}});
    json_answer(StatusCode::OK, &SchedulerKind::ALL.iter().map(json).collect())
}

pub(crate) async fn sd_models(State(app): State<Arc<App>>) -> Response {
    let name = &app.options.model.name;
    let model = json!({"title": name, "model_name": name, "hash": null, "sha256": null, "filename": name, "config": null});
    json_answer(StatusCode::OK, &json!([model]))
}

/// Both to read them and to change them: there is one model, and nothing to change.
pub(crate) async fn options(State(app): State<Arc<App>>) -> Response {
    json_answer(StatusCode::OK, &json!({"sd_model_checkpoint": app.options.model.name}))
}

pub(crate) async fn progress(State(app): State<Arc<App>>) -> Response {
    let running = match app.queue.running().map(|job| job.state()) {
        Some(JobState::Running(running)) => Some(running),
        _ => None,
    };
    let (step, of, eta) = running.as_ref().map_or((0, 0, None), |job| (job.step, job.of, job.eta_s));
    let look = running.as_ref().and_then(|job| job.preview.as_ref()?.first());
    let body = json!({
        "progress": step as f64 / of.max(1) as f64,
        "eta_relative": eta.unwrap_or(0.0),
        "state": {"job_count": i32::from(running.is_some()), "sampling_step": step, "sampling_steps": of},
        "current_image": look.and_then(|url| url.split_once(',')).map(|(_, base64)| base64),
        "textinfo": null,
    });
    json_answer(StatusCode::OK, &body)
}

pub(crate) async fn interrupt(State(app): State<Arc<App>>) -> Response {
    if let Some(job) = app.queue.running() {
        app.queue.cancel(&job);
    }
    json_answer(StatusCode::OK, &json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_a_layouts() {
        let text = r#"{"prompt": "a cat", "negative_prompt": "", "seed": -1, "steps": 20, "cfg_scale": 7, "width": 512,
            "height": 512, "batch_size": 2, "n_iter": 3, "sampler_name": "PLMS", "restore_faces": false,
            "alwayson_scripts": {"gligen": {"args": [{"objects": [{"phrase": "a cat", "box": [0, 0, 1, 1]}]}]}}}"#;
        let read = layout(text, None).unwrap();
        assert_eq!((read.seed, read.num_images, read.objects[0].len()), (None, Some(6), 1));
        assert_eq!(read.scheduler.map(|kind| kind.name()), Some("pndm"));
        for kind in SchedulerKind::ALL {
            assert_eq!(scheduler(label(kind)).unwrap(), kind.name());
        }
        for (theirs, ours) in [("DPM++ 2M Karras", "dpmpp-2m-karras"), ("euler a", "euler-a"), ("LCM", "lcm")]
        {
            assert_eq!(scheduler(theirs).unwrap(), ours);
        }
        let refused = layout(r#"{"prompt": "a cat", "sampler_name": "magic"}"#, None).unwrap_err();
        assert!(refused.message().contains("no sampler `magic`"));
        let refused =
            layout(r#"{"prompt": "a cat", "init_images": ["abc"]}"#, Some(InpaintMode::Blend)).unwrap_err();
        assert!(refused.message().contains("`mask`"));
    }
}
