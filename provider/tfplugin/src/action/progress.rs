//! What an action says while it runs.
//!
//! Between the action and its host is a queue with a bound. The action never waits for it: when the host
//! reads slowly, the oldest messages make room for new ones, and the host is told how many are missing.
//! When nobody reads any more, messages are dropped at once.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use crate::limits::{MAX_PROGRESS_BYTES, MAX_PROGRESS_MESSAGES};

/// Tells the person who runs the action how it goes. Clones speak to the same person.
#[derive(Clone)]
pub struct Progress(Arc<Mutex<Queue>>);

impl Progress {
    /// Shows a message, which may have several lines. It never blocks. When many messages come at once,
    /// the host may show only the newest of them.
    pub fn report(&self, message: impl Into<String>) {
        let message = shortened(message.into());
        tracing::debug!(message, "progress");
        let reader = lock(&self.0).push(message);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// A queue: where messages go in, and where they come out.
    pub(crate) fn queue() -> (Self, Reader) {
        let queue = Arc::new(Mutex::new(Queue::default()));
        (Self(Arc::clone(&queue)), Reader(queue))
    }

    /// Whether the host has stopped listening.
    pub(crate) fn is_abandoned(&self) -> bool {
        lock(&self.0).closed
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").finish_non_exhaustive()
    }
}

/// The host's end. Dropping it ends the queue.
pub(crate) struct Reader(Arc<Mutex<Queue>>);

impl Reader {
    /// The next message. While there is none, the task is woken by the next one.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<String> {
        let mut queue = lock(&self.0);
        match queue.pop() {
            Some(message) => Poll::Ready(message),
            None => {
                queue.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Lets no further message in. What is in the queue can still be read.
    pub(crate) fn close(&self) {
        lock(&self.0).closed = true;
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut queue = lock(&self.0);
        queue.closed = true;
        queue.messages.clear();
    }
}

#[derive(Default)]
struct Queue {
    messages: VecDeque<String>,
    /// How many messages made room since the last one was read.
    left_out: u64,
    closed: bool,
    reader: Option<Waker>,
}

impl Queue {
    /// Takes a message in, and returns whom to wake.
    fn push(&mut self, message: String) -> Option<Waker> {
        if self.closed {
            return None;
        }
        if self.messages.len() >= MAX_PROGRESS_MESSAGES {
            self.messages.pop_front();
            self.left_out += 1;
        }
        self.messages.push_back(message);
        self.reader.take()
    }

    fn pop(&mut self) -> Option<String> {
        let message = self.messages.pop_front()?;
        match std::mem::take(&mut self.left_out) {
            0 => Some(message),
            1 => Some(format!("(1 message was left out)\n{message}")),
            count => Some(format!("({count} messages were left out)\n{message}")),
        }
    }
}

/// A message of a bounded length.
fn shortened(mut message: String) -> String {
    if message.len() > MAX_PROGRESS_BYTES {
        message.truncate(message.floor_char_boundary(MAX_PROGRESS_BYTES));
        message.push_str("...");
    }
    message
}

/// A panic while the lock is held leaves a queue that is whole, so poison means nothing here.
fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: &Reader) -> Option<String> {
        match reader.poll(&Context::from_waker(Waker::noop())) {
            Poll::Ready(message) => Some(message),
            Poll::Pending => None,
        }
    }

    #[test]
    fn the_oldest_messages_make_room_and_are_counted() {
        let (progress, reader) = Progress::queue();
        assert_eq!(read(&reader), None);
        for number in 0..MAX_PROGRESS_MESSAGES + 3 {
            progress.report(number.to_string());
        }
        assert_eq!(
            read(&reader).as_deref(),
            Some("(3 messages were left out)\n3")
        );
        assert_eq!(read(&reader).as_deref(), Some("4"));
        let rest = std::iter::from_fn(|| read(&reader)).last();
        assert_eq!(rest, Some((MAX_PROGRESS_MESSAGES + 2).to_string()));
    }

    #[test]
    fn nothing_grows_without_a_reader() {
        let (progress, reader) = Progress::queue();
        progress.report("é".repeat(MAX_PROGRESS_BYTES));
        let length = read(&reader).map(|message| message.len());
        assert_eq!(length, Some(MAX_PROGRESS_BYTES + 3));
        progress.report("one");
        reader.close();
        progress.report("two");
        assert_eq!(read(&reader).as_deref(), Some("one"));
        assert_eq!(read(&reader), None);
        drop(reader);
        assert!(progress.is_abandoned());
        progress.report("three");
        assert!(lock(&progress.0).messages.is_empty());
    }
}
