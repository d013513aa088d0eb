//! Where the host connects: a private unix socket, or TCP on the loopback interface.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpListener,
    sync::{Semaphore, mpsc},
};
use tokio_rustls::TlsAcceptor;
use tonic::transport::server::Connected;

use super::{exit::Connections, handshake::Invitation};
use crate::{
    limits::{ACCEPT_PAUSE, MAX_HANDSHAKES, MAX_PORT_TRIES, TLS_HANDSHAKE},
    server::Session,
};

/// An address that a host can connect to.
#[derive(Clone, Debug)]
pub(super) enum Endpoint {
    /// A unix socket, alone in a directory that only its owner can enter.
    #[cfg_attr(not(unix), allow(dead_code))]
    Unix(PathBuf),
    /// A port of the loopback interface.
    Tcp(SocketAddr),
}

impl Endpoint {
    pub(super) fn network(&self) -> &'static str {
        match self {
            Self::Unix(_) => "unix",
            Self::Tcp(_) => "tcp",
        }
    }

    pub(super) fn address(&self) -> String {
        match self {
            Self::Unix(path) => path.display().to_string(),
            Self::Tcp(address) => address.to_string(),
        }
    }
}

/// A bound socket.
pub(super) struct Listener {
    socket: Socket,
    endpoint: Endpoint,
}

enum Socket {
    #[cfg(unix)]
    Unix(tokio::net::UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    /// A unix socket where there are any and the path is short enough, else TCP.
    pub(super) fn bind(invitation: &Invitation) -> io::Result<Self> {
        #[cfg(unix)]
        match unix::bind(invitation.socket_directory.as_deref()) {
            Ok((socket, path)) => {
                return Ok(Self {
                    socket: Socket::Unix(socket),
                    endpoint: Endpoint::Unix(path),
                });
            }
            Err(error) => tracing::debug!(%error, "no unix socket, falling back to TCP"),
        }
        let socket = bind_tcp(invitation.ports)?;
        let endpoint = Endpoint::Tcp(socket.local_addr()?);
        Ok(Self {
            socket: Socket::Tcp(TcpListener::from_std(socket)?),
            endpoint,
        })
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Accepts connections for ever. Each TLS handshake has a task of its own, so that one bad peer
    /// holds up nobody.
    pub(super) fn accept<C: Send + Sync + 'static>(
        self,
        tls: Option<TlsAcceptor>,
        connections: Connections,
    ) -> mpsc::Receiver<io::Result<Connection<C>>> {
        let (sender, receiver) = mpsc::channel(MAX_HANDSHAKES);
        tokio::spawn(async move {
            let slots = Arc::new(Semaphore::new(MAX_HANDSHAKES));
            while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
                let io = match self.socket.accept().await {
                    Ok(io) => io,
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                };
                let (tls, sender, connections) = (tls.clone(), sender.clone(), connections.clone());
                tokio::spawn(async move {
                    match authenticated(io, tls).await {
                        Ok(io) => {
                            let connection = Connection {
                                io,
                                session: Arc::default(),
                                _open: connections.open(),
                            };
                            // A closed channel means that the server is gone; so is the connection.
                            let _ = sender.send(Ok(connection)).await;
                        }
                        Err(error) => tracing::warn!(%error, "a peer was refused"),
                    }
                    drop(slot);
                });
            }
        });
        receiver
    }
}

async fn authenticated(io: Box<dyn Io>, tls: Option<TlsAcceptor>) -> io::Result<Box<dyn Io>> {
    let Some(tls) = tls else {
        return Ok(io);
    };
    let stream = tokio::time::timeout(TLS_HANDSHAKE, tls.accept(io)).await??;
    Ok(Box::new(stream))
}

/// A port that the host allows, or any.
fn bind_tcp(ports: Option<(u16, u16)>) -> io::Result<std::net::TcpListener> {
    let bind = |port: u16| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let allowed = ports.map_or(0..=0, |(low, high)| low..=high);
    let socket = allowed
        .take(MAX_PORT_TRIES)
        .find_map(|port| bind(port).ok())
        .map_or_else(|| bind(0), Ok)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

impl Socket {
    async fn accept(&self) -> io::Result<Box<dyn Io>> {
        match self {
            #[cfg(unix)]
            Self::Unix(socket) => Ok(Box::new(socket.accept().await?.0)),
            Self::Tcp(socket) => {
                let stream = socket.accept().await?.0;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
        }
    }
}

/// A stream in both directions.
trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// An authenticated connection. It counts as open until it is dropped.
pub(super) struct Connection<C> {
    io: Box<dyn Io>,
    session: Arc<Session<C>>,
    _open: super::exit::Open,
}

impl<C: Send + Sync + 'static> Connected for Connection<C> {
    type ConnectInfo = Arc<Session<C>>;

    /// The server hands it on with every request of the connection.
    fn connect_info(&self) -> Self::ConnectInfo {
        Arc::clone(&self.session)
    }
}

impl<C> AsyncRead for Connection<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<C> AsyncWrite for Connection<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(unix)]
mod unix {
    //! Unix sockets that nobody else can reach, not even between creation and `chmod`.

    use std::{
        fs::{DirBuilder, Permissions},
        io,
        os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
        path::{Path, PathBuf},
    };

    use tokio::net::UnixListener;

    use crate::limits::{MAX_SOCKET_DIRECTORY_TRIES, MAX_SOCKET_PATH_BYTES};

    pub(super) fn bind(directory: Option<&str>) -> io::Result<(UnixListener, PathBuf)> {
        let parent = directory.map_or_else(std::env::temp_dir, PathBuf::from);
        let directory = private_directory(&parent)?;
        let path = directory.join("plugin.sock");
        let bound = bind_at(&path);
        if bound.is_err() {
            let _ = std::fs::remove_dir(&directory);
        }
        bound.map(|socket| (socket, path))
    }

    fn bind_at(path: &Path) -> io::Result<UnixListener> {
        if path.as_os_str().len() > MAX_SOCKET_PATH_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the socket path is too long",
            ));
        }
        let socket = UnixListener::bind(path)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(socket)
    }

    /// Creating a directory fails when the name is taken, so the name need not be a secret.
    fn private_directory(parent: &Path) -> io::Result<PathBuf> {
        let process = std::process::id();
        let mut last = io::Error::other("no directory was tried");
        for attempt in 0..MAX_SOCKET_DIRECTORY_TRIES {
            let directory = parent.join(format!("plugin{process}-{attempt}"));
            match DirBuilder::new().mode(0o700).create(&directory) {
                Ok(()) => return Ok(directory),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}
