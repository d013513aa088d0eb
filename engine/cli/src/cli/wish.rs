//! What is asked of an execution that there is.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::{Driving, Output};

/// What every wish names.
#[derive(Args, Clone, Debug)]
pub(crate) struct Wish {
    /// Execution that it is about
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: String,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
}

/// Drives an execution that nobody drives; while somebody does, follows it
///
/// It takes up an execution whose process was interrupted, killed or cut off, and launches nothing twice. While another
/// process drives the execution, it only follows it, and takes over when that one falls silent. With --runner
/// step-functions a state machine takes it up, and this process only follows.
#[derive(Args, Debug)]
pub(crate) struct Run {
    /// Execution to drive; none means the newest that runs, or else the newest
    #[arg(value_name = "EXECUTION")]
    pub(crate) execution: Option<String>,
    /// Take it over although its owner looks alive
    #[arg(long)]
    pub(crate) take_over: bool,
    /// Launches whose outcome nobody knows were not sent, on your word: make them again at once
    #[arg(long, requires = "reason")]
    pub(crate) assume_not_sent: bool,
    /// How you know that they were not sent, for whoever reads the history
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new(), requires = "assume_not_sent")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) driving: Driving,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Launches nothing more until it is resumed; jobs that run are followed
///
/// With --before, only the named wave is held, once it is due. No limit counts the time.
#[derive(Args, Debug)]
pub(crate) struct Pause {
    #[command(flatten)]
    pub(crate) wish: Wish,
    /// Only hold this wave, once it is due
    #[arg(long, value_name = "WAVE")]
    pub(crate) before: Option<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Lets everything that is held go on, and drives it unless somebody does
#[derive(Args, Debug)]
pub(crate) struct Resume {
    #[command(flatten)]
    pub(crate) wish: Wish,
    /// Launches whose outcome nobody knows were not sent, on your word: make them again at once. The reason also says how
    /// you know that
    #[arg(long)]
    pub(crate) assume_not_sent: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Launches failed servers of a wave again, while the wave runs or is held
#[derive(Args, Debug)]
pub(crate) struct Retry {
    #[command(flatten)]
    pub(crate) wish: Wish,
    /// Wave, by name
    #[arg(long, value_name = "WAVE")]
    pub(crate) wave: String,
    /// Only this server, by id or by host name; may be given several times; none means every failed server of the wave
    #[arg(long, value_name = "SERVER")]
    pub(crate) server: Vec<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Leaves a wave out that has not started, or as it is when it is held after failures; what depends on it goes on
#[derive(Args, Debug)]
pub(crate) struct Skip {
    #[command(flatten)]
    pub(crate) wish: Wish,
    /// Wave, by name
    #[arg(long, value_name = "WAVE")]
    pub(crate) wave: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Asks that an execution launch nothing more; jobs that run are followed to their end
///
/// The wish is written to the history and nothing is called at DRS, which cannot stop its jobs. Whoever drives the
/// execution heeds it at the next look. What was launched runs until `drsctl terminate` removes it.
#[derive(Args, Debug)]
pub(crate) struct Cancel {
    #[command(flatten)]
    pub(crate) wish: Wish,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Removes what an ended drill launched, and checks that it is gone
///
/// Only instances that jobs of this execution launched are terminated, through DRS, and looked for in DRS and EC2 until
/// they are gone.
#[derive(Args, Debug)]
pub(crate) struct Terminate {
    #[command(flatten)]
    pub(crate) wish: Wish,
    #[command(flatten)]
    pub(crate) output: Output,
}
