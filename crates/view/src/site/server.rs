//! The server of `handloom ui`: pages, their files, the answers, and a stream of what happens.
//!
//! Only this module waits for many at once; the answers themselves are plain functions on threads of their own.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use handloom_engine::damage::of_json;
use handloom_store::Store;
use serde_json::Value;
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;
use tokio_stream::wrappers::ReceiverStream;

use super::assets::Asset;
use super::guard::{AccessRequest, Admitted};
pub use super::guard::{Guard, host_name};
use super::watch::Watch;
use super::{ApiError, Site, first};

/// Largest body that is read, in bytes: labels with notes of the greatest length.
const BODY: usize = 128 << 10;
/// Interval at which the server checks for a request to end.
const LOOK: Duration = Duration::from_millis(20);
/// Time that answers under way at the end may take.
const END: Duration = Duration::from_millis(200);
/// Threads that make answers at once.
const ANSWERING: usize = 16;

/// Headers of every answer: browsers load nothing from elsewhere, run nothing but our files, show it in no other page,
/// and tell no other server where the reader came from.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

struct Server {
    site: Arc<Site>,
    guard: Guard,
    watch: Arc<Watch>,
    /// True once the page was sent, after which there is time to prepare answers.
    greeted: AtomicBool,
}

/// Serves `site` on `listener` until `stopped` says so. `watched` is the same store by another connection, which waits for no
/// answer.
pub fn serve(
    listener: TcpListener,
    site: Arc<Site>,
    watched: Arc<dyn Store>,
    guard: Guard,
    stopped: impl Fn() -> bool,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(ANSWERING)
        .thread_name("server")
        .enable_io()
        .enable_time()
        .build()?;
    let watch = Watch::start(Arc::clone(&site), watched)?;
    let server = Arc::new(Server { site, guard, watch: Arc::clone(&watch), greeted: AtomicBool::new(false) });
    let router = Router::new().fallback(answer).with_state(Arc::clone(&server));
    let serving = runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        axum::serve(listener, router).await
    });
    // While the browser starts, what its first page needs is read.
    runtime.spawn_blocking(move || {
        let _ = server.site.answer("/api/project");
        Asset::at("/app.js").map(Asset::packed);
        Asset::at("/plotly.js").map(Asset::packed);
    });
    while !stopped() && !serving.is_finished() {
        thread::sleep(LOOK);
    }
    watch.end();
    let failed = if serving.is_finished() { runtime.block_on(serving).map_err(io::Error::other)? } else { Ok(()) };
    runtime.shutdown_timeout(END);
    failed
}

async fn answer(State(server): State<Arc<Server>>, request: Request) -> Response {
    let admitted = server.guard.admit(asked(&request));
    let by_address = matches!(admitted, Ok(Admitted::ByAddress));
    let mut response = match admitted {
        // So that the token stands neither in the address nor in the history.
        Ok(Admitted::ByAddress) if request.uri().path() == "/" => {
            sent(StatusCode::SEE_OTHER, &[(header::LOCATION, "./")], "")
        }
        Ok(_) => routed(&server, request).await.unwrap_or_else(|trouble| told(&trouble)),
        Err(trouble) => told(&trouble),
    };
    let headers = response.headers_mut();
    let cookie = server.guard.set_cookie().filter(|_| by_address).and_then(|cookie| HeaderValue::try_from(cookie).ok());
    headers.extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    headers.extend(HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

/// Parts of a request that decide about access.
fn asked(request: &Request) -> AccessRequest<'_> {
    let headers = request.headers();
    let text = |name: HeaderName| -> Option<&str> {
        // Of two, nobody knows which counts.
        let mut all = headers.get_all(name).iter();
        all.next().filter(|_| all.next().is_none()).and_then(|value| value.to_str().ok())
    };
    // Of `Host` and `Origin` nothing is guessed: they say who asks.
    let is_unclear = |name: HeaderName| headers.contains_key(&name) && text(name).is_none();
    let contradicts = request
        .uri()
        .authority()
        .is_some_and(|asked| text(header::HOST).is_none_or(|host| !host.eq_ignore_ascii_case(asked.as_str())));
    AccessRequest {
        is_ambiguous: contradicts || is_unclear(header::HOST) || is_unclear(header::ORIGIN),
        changes: request.method() != Method::GET && request.method() != Method::HEAD,
        host: text(header::HOST),
        origin: text(header::ORIGIN),
        authorization: text(header::AUTHORIZATION),
        cookies: text(header::COOKIE),
        query: request.uri().query().unwrap_or_default(),
    }
}

async fn routed(server: &Arc<Server>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let address = parts.uri.path_and_query().map_or_else(|| path.clone(), ToString::to_string);
    let is_api = path.starts_with("/api/");
    match parts.method {
        Method::GET | Method::HEAD if path == "/api/events" => events(server),
        Method::GET | Method::HEAD if is_api => made(server, move |site| site.answer(&address)).await,
        Method::GET | Method::HEAD if path == "/" => Ok(page(server).await),
        Method::GET | Method::HEAD => match Asset::at(&path) {
            Some(asset) => Ok(file(asset, &parts.headers).await),
            None => Err(ApiError::new(404, format!("there is nothing at `{path}`"), "the pages begin at `/`")),
        },
        Method::POST if is_api => {
            let body = read(&parts.headers, body).await?;
            made(server, move |site| site.act(&address, &body)).await
        }
        method => Err(ApiError::new(405, format!("`{method}` does nothing here"), "read by GET, change by POST")),
    }
}

/// The JSON that `make` answers with, made on a thread that may wait.
async fn made(
    server: &Arc<Server>,
    make: impl FnOnce(&Site) -> Result<Value, ApiError> + Send + 'static,
) -> Result<Response, ApiError> {
    let site = Arc::clone(&server.site);
    let text = blocking(move || make(&site).map(|value| value.to_string())).await??;
    Ok(sent(StatusCode::OK, &[(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], text))
}

async fn page(server: &Arc<Server>) -> Response {
    let site = Arc::clone(&server.site);
    let html = match blocking(move || first::page(&site)).await {
        Ok(html) => html,
        Err(trouble) => return told(&trouble),
    };
    if !server.greeted.swap(true, Ordering::Relaxed) {
        let site = Arc::clone(&server.site);
        drop(spawn_blocking(move || site.look_ahead()));
    }
    let kind = (header::CONTENT_TYPE, "text/html; charset=utf-8");
    sent(StatusCode::OK, &[kind, (header::CACHE_CONTROL, "no-store")], html)
}

async fn file(asset: &'static Asset, headers: &HeaderMap) -> Response {
    let has = |name: HeaderName, word: &str| {
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).any(|value| value.contains(word))
    };
    // Packing takes a moment the first time.
    let (tag, packed) = match blocking(|| (asset.tag(), asset.packed())).await {
        Ok(ready) => ready,
        Err(trouble) => return told(&trouble),
    };
    let common = [
        (header::CONTENT_TYPE, asset.kind),
        (header::ETAG, tag),
        // Kept, but asked for again: another version of the program may be at the same address.
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "accept-encoding"),
    ];
    if has(header::IF_NONE_MATCH, tag) {
        sent(StatusCode::NOT_MODIFIED, &common[1..], "")
    } else if has(header::ACCEPT_ENCODING, "gzip") {
        let mut response = sent(StatusCode::OK, &common, packed);
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response
    } else {
        sent(StatusCode::OK, &common, asset.plain())
    }
}

fn events(server: &Arc<Server>) -> Result<Response, ApiError> {
    let parts =
        server.watch.listen().ok_or_else(|| ApiError::new(503, "too many pages listen", "close some of them"))?;
    let body = Body::from_stream(ReceiverStream::new(parts));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        // Proxies hand over each event at once.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok(sent(StatusCode::OK, &headers, body))
}

/// The JSON that somebody sent. Its type is asked for because a page elsewhere cannot send it without being asked about.
async fn read(headers: &HeaderMap, body: Body) -> Result<Value, ApiError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        return Err(ApiError::new(415, "the body is not said to be JSON", "send `content-type: application/json`"));
    }
    let wrong =
        |why: String| ApiError::new(400, format!("the body cannot be read: {why}"), "send an object, such as `{}`");
    let bytes = to_bytes(body, BODY).await.map_err(|error| wrong(error.to_string()))?;
    if bytes.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_slice(&bytes).map_err(|error| wrong(of_json(&error)))
}

/// Does `act` on a thread that may wait.
async fn blocking<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    spawn_blocking(act)
        .await
        .map_err(|_| ApiError::new(500, "this answer could not be made", "the terminal of the server says why"))
}

fn told(trouble: &ApiError) -> Response {
    let status = StatusCode::from_u16(trouble.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    sent(status, &headers, trouble.to_value().to_string())
}

fn sent(status: StatusCode, headers: &[(HeaderName, &'static str)], body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().extend(headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))));
    response
}
