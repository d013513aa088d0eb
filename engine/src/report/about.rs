//! Who started an execution, when and where, and who drives it now.

use jiff::{SignedDuration, Timestamp};

use crate::event::Author;
use crate::state::State;
use crate::store::record::{SignOfLife, is_recent};
use crate::time::Now;

use super::{asked, author, clock, duration};

/// Whether somebody drives an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driven {
    /// Its owner gave a sign of life not long ago.
    Yes,
    /// Its owner has been silent for this long; whoever applies next takes it over.
    Silent(SignedDuration),
}

impl Driven {
    /// Judges an owner at an instant of wall time: by its last sign of life, or while it has given none, by the moment it
    /// became the owner. A sign of another owner counts for nothing.
    pub fn judge(state: &State, sign: Option<&SignOfLife>, wall: Timestamp) -> Self {
        let since = state
            .owner
            .as_ref()
            .map_or(state.started_at.wall, |owner| owner.since.wall);
        let of_owner = |sign: &&SignOfLife| {
            state
                .owner
                .as_ref()
                .is_some_and(|owner| owner.id == sign.owner)
        };
        let heard = sign.filter(of_owner).map_or(since, |sign| sign.at);
        if is_recent(heard, wall) {
            Self::Yes
        } else {
            Self::Silent(wall.duration_since(heard))
        }
    }
}

/// Who started it, from where, when, where its servers live, and when it ended.
pub fn about(state: &State) -> Vec<String> {
    let by = match &state.started_by {
        Author::Operator(arn) => arn.as_str(),
        owner @ Author::Owner(_) => author(owner),
    };
    let targets: Vec<String> = state.targets().iter().map(ToString::to_string).collect();
    let ended = state.finished.as_ref().map(|(ended, _)| *ended);
    let simulated =
        is_simulated(ended.unwrap_or(state.started_at)) || is_simulated(state.started_at);
    let mut lines = vec![
        format!(
            "started {} from {}",
            instant(state.started_at, simulated),
            state.started.origin
        ),
        format!("by      {by}"),
        format!("in      {}", targets.join(", ")),
    ];
    lines.extend(asked(&state.started.points).map(|points| format!("from    {points}")));
    if let Some(ended) = ended {
        let took = duration(ended.world.duration_since(state.started_at.world));
        lines.push(format!(
            "ended   {}, after {took}",
            instant(ended, simulated)
        ));
    }
    lines
}

/// Who drives an execution that has something left to do.
pub fn driver(state: &State, driven: Driven) -> String {
    let host = state
        .owner
        .as_ref()
        .map_or("nobody", |owner| owner.host.as_str());
    let text = match driven {
        Driven::Yes => format!("driven by {host}"),
        Driven::Silent(silence) => format!(
            "nobody drives it: {host} has been silent for {}",
            duration(silence)
        ),
    };
    match state.takeovers {
        0 => text,
        1 => format!("{text}, after 1 takeover"),
        takeovers => format!("{text}, after {takeovers} takeovers"),
    }
}

/// An instant of world time with its date, and the wall's where the two are not the same.
fn instant(now: Now, is_simulated: bool) -> String {
    let world = date_and_clock(now.world);
    if is_simulated {
        format!("{world} (simulated; {} on the wall)", clock(now.wall))
    } else {
        world
    }
}

/// Whether the world's clock is another than the wall's; on AWS the two are read one after the other.
fn is_simulated(now: Now) -> bool {
    now.world.duration_since(now.wall).abs() > SignedDuration::from_secs(1)
}

/// The date and the time of day, in UTC, of an instant.
pub fn date_and_clock(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
