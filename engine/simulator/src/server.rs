//! The server: HTTP/1.1 over TCP. Connections, headers, bodies and waits are all bounded.
//!
//! It knows neither AWS nor the admin API: it reads a request whole, has it answered on a thread that may block, and
//! delivers the answer as it is told: at once, late, when a hold is released, or never.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep, timeout};

use crate::http::{Answer, BODY_BOUND_BYTES, Request};

/// Bounds of a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at the same time; more wait to be accepted.
    pub(crate) connections: usize,
    /// Requests answered at the same time; more wait. They block threads, and the store serves one at a time anyway.
    pub(crate) requests: usize,
    /// Longest wait for a request's headers, and so for the next request of a connection that is kept alive.
    pub(crate) header_wait: Duration,
    /// Longest wait for a request's body.
    pub(crate) body_wait: Duration,
    /// Longest body.
    pub(crate) body_bytes: usize,
    /// Longest that an answer is held; nobody waits for one longer.
    pub(crate) hold_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            requests: 32,
            header_wait: Duration::from_secs(60),
            body_wait: Duration::from_secs(30),
            body_bytes: BODY_BOUND_BYTES,
            hold_wait: Duration::from_secs(3600),
        }
    }
}

/// Longest buffer for a request's head; a session token takes the most of it.
const HEAD_BOUND_BYTES: usize = 64 * 1024;

/// Pause after a failure to accept, which is a lack of file descriptors, so that the loop does not spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Pause between two looks at a hold.
const HOLD_RETRY: Duration = Duration::from_millis(20);

/// Longest pause between two looks at the world's clock.
const WORLD_RETRY: Duration = Duration::from_millis(50);

/// Longest wait for connections to end when the server stops.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// Who answers requests.
pub(crate) trait Serve: Send + Sync + 'static {
    /// Answers a request. May block on files.
    fn serve(&self, request: &Request) -> Served;

    /// Whether an answer is still held. May block on files.
    fn is_held(&self, hold: u64) -> bool;

    /// How long, on the wall, until the world reaches a time; none when it has. May block on files.
    fn until_world(&self, at: Timestamp) -> Option<Duration>;
}

/// An answer and how to deliver it.
pub(crate) struct Served {
    pub(crate) answer: Answer,
    pub(crate) delivery: Delivery,
}

impl Served {
    /// An answer that is delivered at once.
    pub(crate) fn at_once(answer: Answer) -> Self {
        Self {
            answer,
            delivery: Delivery::default(),
        }
    }
}

/// How an answer is delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// Wait so long first.
    pub(crate) delay: Duration,
    /// Wait until the world has reached this time.
    pub(crate) until: Option<Timestamp>,
    /// Wait until this hold is released.
    pub(crate) hold: Option<u64>,
    /// Close the connection instead of answering.
    pub(crate) lost: bool,
}

/// What a server is started with.
pub(crate) struct Config {
    pub(crate) limits: Limits,
    /// Whether requests for any host name are answered. Otherwise only those for loopback are, so that a page in a browser
    /// cannot reach the port by a name that it resolves to loopback.
    pub(crate) any_host: bool,
    /// Whether answers carry the date of the wall clock.
    pub(crate) dated: bool,
}

/// A running server. It ends when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts to serve a port.
    pub(crate) async fn start(
        address: SocketAddr,
        config: Config,
        serve: Arc<dyn Serve>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            requests: Semaphore::new(config.limits.requests),
            config,
            serve,
        });
        let task = tokio::spawn(accept(listener, shared, stopped));
        Ok(Self {
            address,
            stop,
            task,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops to accept, and waits a little for requests that are being answered.
    pub(crate) async fn stop(mut self) {
        // Nobody listens when the task has ended by itself, and then there is nothing to stop.
        let _ = self.stop.send(true);
        if timeout(STOP_WAIT, &mut self.task).await.is_err() {
            tracing::debug!("connections did not end in time and are cut off");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Shared {
    config: Config,
    requests: Semaphore,
    serve: Arc<dyn Serve>,
}

/// A connection that ends without an answer, as was asked for.
#[derive(Debug, Error)]
#[error("the answer is lost on purpose")]
struct Lost;

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    // Owned by this task, so that the connections end with it.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let full = connections.len() >= shared.config.limits.connections;
        tokio::select! {
            _ = stopped.changed() => break,
            _ = connections.join_next(), if full => {}
            accepted = listener.accept(), if !full => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, shared.clone(), stopped.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_RETRY).await;
                }
            },
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    // Answers are small and written at once; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let limits = shared.config.limits;
    let dated = shared.config.dated;
    let answer = service_fn(move |request| handle(shared.clone(), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_wait)
        .max_buf_size(HEAD_BOUND_BYTES)
        .auto_date_header(dated)
        .serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

async fn handle(
    shared: Arc<Shared>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Lost> {
    let request = match read(&shared, request).await {
        Ok(request) => request,
        Err(answer) => return Ok(response(answer)),
    };
    let Served { answer, delivery } = serve(&shared, request).await;
    if !delivery.delay.is_zero() {
        sleep(delivery.delay).await;
    }
    if let Some(at) = delivery.until {
        wait_for_world(&shared, at).await;
    }
    if let Some(hold) = delivery.hold {
        wait_for_release(&shared, hold).await;
    }
    if delivery.lost {
        Err(Lost)
    } else {
        Ok(response(answer))
    }
}

/// Reads a request whole, or says why not.
async fn read(shared: &Shared, request: hyper::Request<Incoming>) -> Result<Request, Answer> {
    let (parts, body) = request.into_parts();
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    if !shared.config.any_host && !host.is_none_or(is_loopback_host) {
        return Err(refusal(
            403,
            "This port answers requests for localhost only.",
        ));
    }
    let limits = &shared.config.limits;
    let body = match timeout(
        limits.body_wait,
        Limited::new(body, limits.body_bytes).collect(),
    )
    .await
    {
        Ok(Ok(body)) => body.to_bytes().to_vec(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return Err(refusal(413, "The request body is too long."));
        }
        Ok(Err(_)) => return Err(refusal(400, "The request body cannot be read.")),
        Err(_) => return Err(refusal(408, "The request body did not arrive in time.")),
    };
    Ok(Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    })
}

/// Has a request answered on a thread that may block.
async fn serve(shared: &Arc<Shared>, request: Request) -> Served {
    // The semaphore is never closed, so the error never occurs; and without a permit the answer is as good.
    let _permit = shared.requests.acquire().await.ok();
    let server = shared.clone();
    let served = spawn_blocking(move || server.serve.serve(&request)).await;
    served.unwrap_or_else(|error| {
        tracing::error!(%error, "answering a request failed");
        Served::at_once(Answer::new(
            500,
            "application/json",
            r#"{"message":"The simulator failed; its log says why."}"#,
        ))
    })
}

async fn wait_for_release(shared: &Arc<Shared>, hold: u64) {
    let deadline = Instant::now() + shared.config.limits.hold_wait;
    while Instant::now() < deadline {
        let server = shared.clone();
        if !spawn_blocking(move || server.serve.is_held(hold))
            .await
            .unwrap_or(false)
        {
            return;
        }
        sleep(HOLD_RETRY).await;
    }
}

/// Waits for a time of the world. Its clock may be moved or set to another speed meanwhile, so it looks again and again.
async fn wait_for_world(shared: &Arc<Shared>, at: Timestamp) {
    let deadline = Instant::now() + shared.config.limits.hold_wait;
    while Instant::now() < deadline {
        let server = shared.clone();
        let left = spawn_blocking(move || server.serve.until_world(at)).await;
        let Ok(Some(left)) = left else {
            return;
        };
        sleep(left.clamp(Duration::from_millis(1), WORLD_RETRY)).await;
    }
}

fn refusal(status: u16, message: &str) -> Answer {
    let body = serde_json::json!({"message": message});
    Answer::new(status, "application/json", body.to_string()).with("connection", "close")
}

fn response(answer: Answer) -> hyper::Response<Full<Bytes>> {
    let mut response = hyper::Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = hyper::StatusCode::from_u16(answer.status)
        .unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        // A value from a script may hold what a header cannot; the answer goes without it then.
        if let Ok(value) = HeaderValue::from_str(&value) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// Whether a `Host` header means this machine by an address or a name that nobody else can claim.
fn is_loopback_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_address = name
        .parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    is_address
        || name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Answers with the path that was asked for.
    #[derive(Default)]
    struct Echo {
        delivery: Delivery,
        released: AtomicBool,
    }

    impl Serve for Echo {
        fn serve(&self, request: &Request) -> Served {
            assert_ne!(request.path, "/panic", "on purpose");
            Served {
                answer: Answer::new(200, "text/plain", request.path.as_bytes()),
                delivery: self.delivery,
            }
        }

        fn is_held(&self, _hold: u64) -> bool {
            !self.released.load(Ordering::Relaxed)
        }

        fn until_world(&self, _at: Timestamp) -> Option<Duration> {
            (!self.released.load(Ordering::Relaxed)).then_some(Duration::MAX)
        }
    }

    fn short() -> Limits {
        Limits {
            connections: 2,
            requests: 2,
            header_wait: Duration::from_millis(200),
            body_wait: Duration::from_millis(200),
            body_bytes: 1000,
            hold_wait: Duration::from_secs(10),
        }
    }

    async fn start(limits: Limits, echo: Arc<Echo>) -> Server {
        let config = Config {
            limits,
            any_host: false,
            dated: false,
        };
        Server::start("127.0.0.1:0".parse().unwrap(), config, echo)
            .await
            .unwrap()
    }

    /// Sends text and reads until the server closes the connection.
    async fn exchange(server: &Server, text: &str) -> String {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = timeout(Duration::from_secs(5), stream.read_to_string(&mut answer)).await;
        // A connection that is cut off may also be reset.
        let _ = read.expect("the server closes the connection in time");
        answer
    }

    const LAST: &str = "GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

    #[tokio::test]
    async fn a_client_that_is_slow_is_cut_off_and_others_are_served() {
        let server = start(short(), Arc::default()).await;
        let half = exchange(&server, "GET /half HTTP/1.1\r\nHost: loc");
        let silent = exchange(&server, "");
        // Both places are taken; the third waits until the slow ones are gone.
        let (half, silent, last) = tokio::join!(half, silent, exchange(&server, LAST));
        assert!(
            !half.contains("200 OK") && !silent.contains("200 OK"),
            "{half}{silent}"
        );
        assert!(
            last.starts_with("HTTP/1.1 200 OK") && last.ends_with("/last"),
            "{last}"
        );
    }

    #[tokio::test]
    async fn a_body_that_is_late_or_long_is_refused() {
        let server = start(short(), Arc::default()).await;
        let late = exchange(
            &server,
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc",
        )
        .await;
        assert!(late.starts_with("HTTP/1.1 408"), "{late}");
        let long = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n{}",
            "x".repeat(2000)
        );
        let long = exchange(&server, &long).await;
        assert!(long.starts_with("HTTP/1.1 413"), "{long}");
        let head = format!(
            "GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
            "x".repeat(2 * HEAD_BOUND_BYTES)
        );
        assert!(!exchange(&server, &head).await.contains("200 OK"));
    }

    #[tokio::test]
    async fn only_loopback_hosts_are_served_unless_any_is() {
        for (host, is_loopback) in [
            ("localhost", true),
            ("LOCALHOST:80", true),
            ("a.localhost", true),
            ("127.0.0.1:80", true),
            ("127.1.2.3", true),
            ("[::1]:80", true),
            ("", false),
            ("10.0.0.1", false),
            ("localhost.example", false),
            ("[::2]", false),
        ] {
            assert_eq!(is_loopback_host(host), is_loopback, "{host}");
        }
        let server = start(short(), Arc::default()).await;
        let refused = exchange(&server, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").await;
        assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
    }

    #[tokio::test]
    async fn a_lost_answer_closes_the_connection_without_a_byte() {
        let delivery = Delivery {
            lost: true,
            ..Delivery::default()
        };
        let echo = Arc::new(Echo {
            delivery,
            ..Echo::default()
        });
        let server = start(short(), echo).await;
        assert_eq!(exchange(&server, LAST).await, "");
    }

    #[tokio::test]
    async fn an_answer_is_held_until_it_is_released() {
        let delivery = Delivery {
            hold: Some(1),
            ..Delivery::default()
        };
        let echo = Arc::new(Echo {
            delivery,
            ..Echo::default()
        });
        let server = start(short(), echo.clone()).await;
        let release = async {
            sleep(Duration::from_millis(100)).await;
            echo.released.store(true, Ordering::Relaxed);
        };
        let begun = Instant::now();
        let (answer, ()) = tokio::join!(exchange(&server, LAST), release);
        assert!(
            answer.ends_with("/last") && begun.elapsed() >= Duration::from_millis(100),
            "{answer}"
        );
    }

    #[tokio::test]
    async fn an_answer_waits_for_the_world() {
        let delivery = Delivery {
            until: Some(Timestamp::UNIX_EPOCH),
            ..Delivery::default()
        };
        let echo = Arc::new(Echo {
            delivery,
            ..Echo::default()
        });
        let server = start(short(), echo.clone()).await;
        let come = async {
            sleep(Duration::from_millis(100)).await;
            echo.released.store(true, Ordering::Relaxed);
        };
        let begun = Instant::now();
        let (answer, ()) = tokio::join!(exchange(&server, LAST), come);
        let elapsed = begun.elapsed();
        assert!(answer.ends_with("/last"), "{answer}");
        assert!(elapsed >= Duration::from_millis(100), "{elapsed:?}");
    }

    #[tokio::test]
    async fn a_panic_is_answered_and_the_server_goes_on() {
        let server = start(short(), Arc::default()).await;
        let broken = "GET /panic HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        assert!(exchange(&server, broken).await.starts_with("HTTP/1.1 500"));
        assert!(exchange(&server, LAST).await.ends_with("/last"));
    }

    #[tokio::test]
    async fn a_stopped_server_lets_its_port_go() {
        let server = start(short(), Arc::default()).await;
        let address = server.address();
        let idle = TcpStream::connect(address).await.unwrap();
        server.stop().await;
        drop(idle);
        assert!(TcpStream::connect(address).await.is_err());
    }
}
