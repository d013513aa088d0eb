//! A small HTTP server and a small proxy, both on loopback, both of which remember what they saw.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use drs_engine::time::WorldTime;
use drs_engine_aws::{ConnectError, Embedded, Session, Settings};
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A request as received.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The operation, whatever the protocol: `StartRecovery`, `BatchGetItem`, `GetCallerIdentity`.
    pub(crate) fn operation(&self) -> String {
        let target = self.header("x-amz-target");
        if let Some((_, operation)) = target.rsplit_once('.') {
            return operation.to_owned();
        }
        if let Some(action) = self
            .body
            .split('&')
            .find_map(|part| part.strip_prefix("Action="))
        {
            return action.to_owned();
        }
        self.path.trim_start_matches('/').to_owned()
    }
}

/// What to answer.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// An answer; a header may be added.
    Http(u16, Vec<(&'static str, String)>, String),
    /// The request is read and the connection closed.
    Lost,
}

impl Answer {
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self::Http(200, vec![], body.into())
    }
}

type Handler = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;

/// A server; it ends when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(
        handler: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::serve(Arc::new(handler), None).await
    }

    pub(crate) async fn start_tls(
        acceptor: TlsAcceptor,
        handler: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::serve(Arc::new(handler), Some(acceptor)).await
    }

    async fn serve(handler: Handler, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn({
            let seen = Arc::clone(&seen);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let (handler, seen, tls) = (handler.clone(), seen.clone(), tls.clone());
                    tokio::spawn(async move {
                        match tls {
                            None => one(stream, &handler, &seen).await,
                            Some(tls) => {
                                if let Ok(stream) = tls.accept(stream).await {
                                    one(stream, &handler, &seen).await;
                                }
                            }
                        }
                    });
                }
            }
        });
        Self {
            address,
            seen,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests for an operation, in the order they came.
    pub(crate) fn seen(&self, operation: &str) -> Vec<Request> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|request| request.operation() == operation)
            .cloned()
            .collect()
    }

    /// A session whose every call goes here.
    pub(crate) async fn session(&self) -> Session {
        self.session_with(&Settings::default()).await
    }

    pub(crate) async fn session_with(&self, settings: &Settings) -> Session {
        self.try_session(settings).await.unwrap()
    }

    pub(crate) async fn try_session(&self, settings: &Settings) -> Result<Session, ConnectError> {
        Closed(self.address).try_session(settings).await
    }

    /// Stops listening; what remains is the address.
    pub(crate) fn close(self) -> Closed {
        Closed(self.address)
    }
}

/// Where a server was.
pub(crate) struct Closed(SocketAddr);

impl Closed {
    pub(crate) async fn try_session(&self, settings: &Settings) -> Result<Session, ConnectError> {
        let embedded = Embedded {
            endpoint: format!("http://{}", self.0),
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: None,
            world: Arc::new(Wall),
        };
        Session::connect(settings, Some(embedded)).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one request, and closes: so no test depends on which connections are kept.
async fn one<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    handler: &Handler,
    seen: &Mutex<Vec<Request>>,
) {
    let Some(request) = read(&mut stream).await else {
        return;
    };
    let answer = handler(&request);
    seen.lock().unwrap().push(request);
    let Answer::Http(status, headers, body) = answer else {
        return;
    };
    let mut head = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let _ = stream
        .write_all(format!("{head}\r\n{body}").as_bytes())
        .await;
    let _ = stream.shutdown().await;
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Request> {
    let (head, rest) = read_head(stream).await?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let path = first.nth(1)?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = rest;
    while body.len() < length {
        let mut part = [0; 4096];
        let count = stream
            .read(&mut part)
            .await
            .ok()
            .filter(|count| *count > 0)?;
        body.extend_from_slice(&part[..count]);
    }
    Some(Request {
        path,
        headers,
        body: String::from_utf8(body).unwrap(),
    })
}

/// The head of a message, and what came with it.
async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Some((String::from_utf8(bytes).unwrap(), rest));
        }
        let mut part = [0; 4096];
        let count = stream
            .read(&mut part)
            .await
            .ok()
            .filter(|count| *count > 0)?;
        bytes.extend_from_slice(&part[..count]);
    }
}

/// A proxy that leads every host to one server, and remembers the heads it saw.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn({
            let seen = Arc::clone(&seen);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(lead(stream, upstream, Arc::clone(&seen)));
                }
            }
        });
        Self {
            address,
            seen,
            task,
        }
    }

    /// The heads of the requests, in the order they came.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn lead(mut client: TcpStream, upstream: SocketAddr, seen: Arc<Mutex<Vec<String>>>) {
    let Some((head, rest)) = read_head(&mut client).await else {
        return;
    };
    let is_tunnel = head.starts_with("CONNECT ");
    seen.lock().unwrap().push(head.clone());
    let mut server = TcpStream::connect(upstream).await.unwrap();
    if is_tunnel {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    } else {
        server.write_all(head.as_bytes()).await.unwrap();
        server.write_all(&rest).await.unwrap();
    }
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}

/// World time that is wall time.
struct Wall;

impl WorldTime for Wall {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn wall_until(&self, world: Timestamp) -> Option<std::time::Duration> {
        Some(world.duration_since(Timestamp::now()).unsigned_abs())
    }
}

/// The answer of STS to GetCallerIdentity.
pub(crate) fn identity(account: &str, arn: &str) -> Answer {
    Answer::ok(format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>{arn}</Arn><UserId>AIDA</UserId><Account>{account}</Account></GetCallerIdentityResult>\
         </GetCallerIdentityResponse>"
    ))
}

/// The account of these tests.
pub(crate) const ACCOUNT: &str = "111122223333";

/// STS for the account of these tests; anything else is for `other`.
pub(crate) fn with_sts(
    other: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> impl Fn(&Request) -> Answer + Send + Sync + 'static {
    move |request| match request.operation().as_str() {
        "GetCallerIdentity" => identity(ACCOUNT, "arn:aws:iam::111122223333:user/operator"),
        _ => other(request),
    }
}
