//! Who may ask: pages of other sites may not, even if they talk a browser into it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::App;
use crate::problem::Problem;

/// Refuses requests of other sites, and, where only this machine is listened to, such as came by another name:
/// a name that somebody else's server resolves to this machine (DNS rebinding).
pub(crate) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = match check(request.headers(), app.is_loopback) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let resources = header::HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(resources, HeaderValue::from_static("same-origin"));
    response
}

fn check(headers: &HeaderMap, is_loopback: bool) -> Result<(), Problem> {
    let text = |name| headers.get(name).map(|value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()));
    let host = text(header::HOST);
    if let Some(host) = &host
        && is_loopback
        && !is_this_machine(host)
    {
        let detail = format!("the request is for `{host}`, and this server answers to this machine alone");
        return Err(Problem::new(StatusCode::FORBIDDEN, detail)
            .hint("ask for localhost, or start the server with --host 0.0.0.0 to let others in"));
    }
    let Some(origin) = text(header::ORIGIN) else { return Ok(()) };
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    match (authority, host) {
        (Some(authority), Some(host)) if authority.eq_ignore_ascii_case(&host) => Ok(()),
        _ => {
            let detail = format!("the request comes from a page of another site, `{origin}`");
            Err(Problem::new(StatusCode::FORBIDDEN, detail))
        }
    }
}

/// Whether `host`, with or without a port, is this machine's own name for itself.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_let_in(is_loopback: bool, pairs: &[(header::HeaderName, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(name, value.parse().unwrap());
        }
        check(&headers, is_loopback).is_ok()
    }

    #[test]
    fn names_of_this_machine() {
        for host in ["localhost", "LOCALHOST:7788", "127.0.0.1:7788", "127.8.8.8", "[::1]:7788", "[::1]"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "example.org",
            "localhost.example.org:7788",
            "192.168.0.1",
            "[::2]",
            "",
            ":7788",
            "127.0.0.1.evil.org",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        use header::{HOST, ORIGIN};
        let ours = (HOST, "localhost:7788");
        assert!(is_let_in(true, std::slice::from_ref(&ours)));
        assert!(is_let_in(true, &[ours.clone(), (ORIGIN, "http://localhost:7788")]));
        for origin in
            ["http://example.org", "null", "http://localhost:7789", "http://127.0.0.1:7788", "file://"]
        {
            assert!(!is_let_in(true, &[ours.clone(), (ORIGIN, origin)]), "{origin}");
        }
        let theirs = (HOST, "example.org");
        assert!(!is_let_in(true, std::slice::from_ref(&theirs)));
        assert!(is_let_in(false, std::slice::from_ref(&theirs)));
        assert!(!is_let_in(false, &[theirs, (ORIGIN, "http://other.org")]));
    }
}
