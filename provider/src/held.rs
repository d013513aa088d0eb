//! What others hold: a name, or a server, of which there is one in an environment.
//!
//! The other may give it up in the same apply, so a write waits for it, a bounded time. The texts of a write that was refused
//! are the same for a protection group and for a recovery plan.

use std::fmt::Display;

use drs_engine::limits;
use tfplugin::{Context, Diagnostic};

use crate::client::Client;
use crate::diagnose::sentence;

/// Tries to write while something is held by others.
const TRIES: i64 = limits::HELD_WAIT.as_secs() / limits::HELD_RETRY.as_secs();

/// Writes as long as what it needs is held, a minute at most, and returns how the last try ended.
pub(crate) async fn wait<T, E: Display, F: Future<Output = Result<T, E>>>(
    cx: &Context<Client>,
    is_held: fn(&E) -> bool,
    mut write: impl FnMut() -> F,
) -> Result<T, E> {
    let mut result = write().await;
    for _ in 1..TRIES {
        match &result {
            Err(error) if is_held(error) => tracing::info!("{error}; it is waited for"),
            _ => break,
        }
        if !cx.sleep(limits::HELD_RETRY.unsigned_abs()).await {
            break;
        }
        result = write().await;
    }
    result
}

/// What has a name of its own in an environment.
pub(crate) struct Kind {
    /// As a title has it.
    pub(crate) title: &'static str,
    /// As a sentence begins with it.
    pub(crate) noun: &'static str,
    /// As a sentence goes on with it.
    pub(crate) short: &'static str,
}

impl Kind {
    /// Another one has the name, and may give it up before apply needs it.
    pub(crate) fn name_may_be_taken(&self, id: &dyn Display, name: &str) -> Diagnostic {
        let Self { noun, short, .. } = self;
        let detail = format!(
            "{noun} {id} ({name:?}) has this name; upper and lower case do not matter. Apply waits one minute for it to be given \
             up, and then fails. If it is the {short} you mean, import it: terraform import <address> {id}"
        );
        Diagnostic::warning("Name Is Taken", detail).at("name")
    }

    /// Another one kept the name.
    pub(crate) fn name_is_taken(&self, error: &dyn Display, by: &dyn Display) -> Diagnostic {
        let detail = format!(
            "{} Choose another name. If it is the {} you mean, e.g. because an apply was killed after it was made, import it: \
             terraform import <address> {by}",
            sentence(&error.to_string()),
            self.short
        );
        Diagnostic::error("Name Is Taken", detail).at("name")
    }

    /// It was deleted since the host read it.
    pub(crate) fn is_gone(&self, error: &dyn Display) -> Diagnostic {
        let detail = format!(
            "{} Somebody deleted it since it was last read. Run terraform plan again: the {} is made anew.",
            sentence(&error.to_string()),
            self.short
        );
        Diagnostic::error(format!("{} Not Found", self.title), detail)
    }

    /// It is to be deleted while an execution needs it, which may end before.
    pub(crate) fn is_deleted_later(&self, name: &str, by: &dyn Display) -> Diagnostic {
        let Self { title, short, .. } = self;
        let detail = format!(
            "Execution {by} uses {short} {name:?} and runs, and the {short} is deleted only once it has ended. A \
             drs_drill_execution that is destroyed in the same run ends it before; otherwise wait for its end (`drsctl watch \
             {by}`)."
        );
        Diagnostic::warning(format!("An Execution Uses the {title}"), detail)
    }

    /// Somebody else writes it at the same time.
    pub(crate) fn is_being_changed(&self, error: &dyn Display) -> Diagnostic {
        let detail = format!(
            "{} Run terraform plan again to see what it is now.",
            sentence(&error.to_string())
        );
        let summary = format!("{} Is Being Changed by Somebody Else", self.title);
        Diagnostic::error(summary, detail)
    }
}
