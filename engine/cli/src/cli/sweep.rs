//! What can be typed about sweeps, and how long things take.

use clap::Args;
use jiff::SignedDuration;

use super::Output;

/// Removes what drills launched that are over their maximum lifetime, and sends notices that were left
///
/// Drills whose process died, or that nobody terminated: what still runs is cancelled and followed to its end first. Each is
/// judged by its own history; one that fails does not stop the others. Meant to be run by a timer, e.g. once an hour.
#[derive(Args, Debug)]
pub(crate) struct Sweep {
    /// Only executions of this recovery plan, by name or by id
    #[arg(long, value_name = "PLAN")]
    pub(crate) plan: Option<String>,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// A duration as it is typed: `45m`, `8h`, `1h30m`, `PT8H`.
pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    let parsed = text.parse::<SignedDuration>().ok();
    parsed
        .filter(|duration| duration.is_positive())
        .ok_or_else(|| "not a duration such as 45m, 8h or 1h30m".to_owned())
}
