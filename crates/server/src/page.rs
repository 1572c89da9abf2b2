//! The page: a few files in the binary, without a build step and without anything from elsewhere.

use axum::Router;
use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use axum::routing::get;

/// Path, media type and text of each file.
const FILES: &[(&str, &str, &str)] = &[
    ("/", "text/html; charset=utf-8", include_str!("../page/index.html")),
    ("/page/style.css", "text/css; charset=utf-8", include_str!("../page/style.css")),
    ("/page/icon.svg", "image/svg+xml", include_str!("../page/icon.svg")),
    ("/page/api.js", JAVASCRIPT, include_str!("../page/api.js")),
    ("/page/canvas.js", JAVASCRIPT, include_str!("../page/canvas.js")),
    ("/page/history.js", JAVASCRIPT, include_str!("../page/history.js")),
    ("/page/imported.js", JAVASCRIPT, include_str!("../page/imported.js")),
    ("/page/layout.js", JAVASCRIPT, include_str!("../page/layout.js")),
    ("/page/main.js", JAVASCRIPT, include_str!("../page/main.js")),
    ("/page/mask.js", JAVASCRIPT, include_str!("../page/mask.js")),
    ("/page/objects.js", JAVASCRIPT, include_str!("../page/objects.js")),
    ("/page/pictures.js", JAVASCRIPT, include_str!("../page/pictures.js")),
    ("/page/png.js", JAVASCRIPT, include_str!("../page/png.js")),
    ("/page/results.js", JAVASCRIPT, include_str!("../page/results.js")),
    ("/page/shape.js", JAVASCRIPT, include_str!("../page/shape.js")),
    ("/page/snap.js", JAVASCRIPT, include_str!("../page/snap.js")),
];

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Nothing but what comes from here; pictures may also be such as the page made itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The routes of the page.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.iter().fold(Router::new(), |router, &(path, media_type, text)| {
        let headers: [(HeaderName, &str); 3] = [
            (header::CONTENT_TYPE, media_type),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::CACHE_CONTROL, "no-cache"), // a new version of the program has a new page
        ];
        router.route(path, get(move || async move { (headers, text).into_response() }))
    })
}

#[cfg(test)]
mod tests {
    use super::FILES;

    #[test]
    fn the_whole_page_is_small() {
        let bytes: usize = FILES.iter().map(|(_, _, text)| text.len()).sum();
        println!("{bytes} bytes");
        assert!(bytes < 150_000, "{bytes} bytes");
    }

    #[test]
    fn no_module_waits_for_another_to_name_it() {
        let (_, _, index) = FILES[0];
        for (path, _, _) in FILES.iter().filter(|(path, _, _)| path.ends_with(".js")) {
            assert!(index.contains(&format!("=\"{path}\"")), "{path}");
        }
    }

    #[test]
    fn nothing_comes_from_elsewhere() {
        for (path, _, text) in FILES {
            let text = text.replace("http://www.w3.org/", ""); // names, not addresses
            assert!(!text.contains("http://") && !text.contains("https://"), "{path}");
        }
    }
}
