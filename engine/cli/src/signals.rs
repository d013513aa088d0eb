//! Being told to stop: by Ctrl-C, or by whoever manages this process.

use crate::failure::Failure;

/// The requests to stop that reach this process, one after the other. While it lives, the signals no longer end the
/// process by themselves.
pub(crate) struct Interrupts {
    #[cfg(unix)]
    signals: Vec<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Interrupts {
    /// Begins to listen. Whoever has this process ignore hang-ups, as nohup does, is not hung up on.
    pub(crate) fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};

        let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
        if !ignores_hang_up() {
            kinds.push(SignalKind::hangup());
        }
        let signals = kinds.into_iter().map(signal).collect::<Result<_, _>>();
        let signals = signals.map_err(|error| {
            Failure::new(format!("signals cannot be listened for: {error}"))
                .safe("Nothing was started and nothing was changed.")
        })?;
        Ok(Self { signals })
    }

    /// Returns at the next request; one that came since the last is not lost.
    pub(crate) async fn next(&mut self) {
        std::future::poll_fn(|context| {
            for signal in &mut self.signals {
                if signal.poll_recv(context).is_ready() {
                    return std::task::Poll::Ready(());
                }
            }
            std::task::Poll::Pending
        })
        .await;
    }
}

#[cfg(not(unix))]
impl Interrupts {
    /// Begins to listen.
    pub(crate) fn listen() -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// Returns at the next request.
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler the signal ends the process by itself, so there is nothing to wait for.
            std::future::pending::<()>().await;
        }
    }
}

/// Whether this process was started with hang-ups ignored; only Linux says so without unsafe code.
#[cfg(unix)]
fn ignores_hang_up() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| masks_hang_up(&status))
}

/// Whether the mask of ignored signals, as `/proc` shows it, has the first: a hang-up.
#[cfg(unix)]
fn masks_hang_up(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_hang_up_is_seen_in_the_mask() {
        assert!(masks_hang_up("Name:\tx\nSigIgn:\t0000000000001001\n"));
        assert!(!masks_hang_up("SigIgn:\t0000000000001000\n"));
        assert!(!masks_hang_up("SigCgt:\t0000000000000001\n"));
    }
}
