//! `gligen serve`, from its start to its end.

use std::net::TcpListener;

use crate::program::Program;

#[test]
fn an_address_that_is_taken_is_said_before_anything_is_loaded() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let program = Program::new();
    let told = program.told(&["serve", "--port", &port, "--model", "nowhere"]);
    insta::assert_snapshot!("serve_address_taken", told.replace(&port, "PORT"));
    insta::assert_snapshot!(
        "serve_no_such_model",
        program.told(&["serve", "--port", "0", "--model", "nowhere"])
    );
    insta::assert_snapshot!("serve_host_is_a_name", program.told(&["serve", "--host", "example.org"]));
}

#[test]
#[cfg(unix)]
fn it_prints_its_address_answers_and_ends_when_told_to() {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpStream;
    use std::process::{Command, Stdio};

    let program = Program::new();
    let mut child = program
        .command(&["serve", "--port", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("http://").unwrap().to_string();
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(stream, "GET /v1/models HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("tiny-gligen"), "{answer}");

    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(0), "{status}");
}
