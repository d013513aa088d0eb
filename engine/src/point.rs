//! Recovery points: which state of their source servers are launched from.
//!
//! By default that is the newest: DRS takes a snapshot for the launch. While the source does not answer it waits for one up
//! to ten minutes and then falls back to an earlier point, so naming a point launches a server sooner when its source is
//! dead. What was asked for is resolved when an execution starts, and frozen with its servers: a server that is launched
//! again is launched from the same point.
//!
//! What a server was really launched from is another matter. DRS tells it in the log of the job and on the recovery
//! instance, and [`crate::event::Event::PointsFound`] records it.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::frozen::{Frozen, FrozenServer};
use crate::ids::{ServerId, SnapshotId, Target};
use crate::limits;
use crate::ports::{CallError, RecoverySnapshot};

mod read;
#[cfg(test)]
mod tests;

pub use read::Snapshots;

/// What the servers of an execution are launched from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryPoint {
    /// The newest state of each.
    #[default]
    Latest,
    /// The newest point of each that was taken at this time or before it.
    Before(Timestamp),
    /// These points, by the id or the host name of the server; the newest state of servers that are not named.
    Named(BTreeMap<String, SnapshotId>),
}

/// A point in time of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Its id.
    pub id: SnapshotId,
    /// When it was taken.
    pub at: Timestamp,
}

/// What a server was launched from, as far as DRS tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchedFrom {
    /// What it was; none where the job's log does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The point that was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotId>,
    /// The time of the data; what was written later is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// What kind of state a server was launched from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A snapshot that DRS took for the launch.
    Latest,
    /// An earlier point, because DRS could take no snapshot: the source did not answer.
    Previous,
    /// The point that was named.
    Named,
}

/// Why servers cannot be launched from what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PointError {
    /// A point was named for a server that does not take part.
    ServerUnknown {
        /// The server as it was named.
        named: String,
    },
    /// A point was named for a host name that several servers have.
    Ambiguous {
        /// The host name.
        named: String,
        /// The servers that have it.
        servers: Vec<ServerId>,
    },
    /// Two points were named for one server: by its id and by its host name.
    NamedTwice {
        /// The server.
        server: Whom,
    },
    /// A point has an id that no point has.
    Malformed {
        /// The server as it was named.
        named: String,
        /// What was given for a point.
        snapshot: SnapshotId,
    },
    /// The server has no such point: it aged out, was never taken, or is another server's.
    Missing {
        /// The server.
        server: Whom,
        /// The point.
        snapshot: SnapshotId,
        /// The points that it has.
        has: Kept,
    },
    /// The server has no point that is old enough.
    NoneBefore {
        /// The server.
        server: Whom,
        /// The time that was asked for.
        at: Timestamp,
        /// The points that it has.
        has: Kept,
    },
    /// The points of servers cannot be read.
    Unreadable {
        /// Where.
        target: Target,
        /// Why.
        error: Box<CallError>,
    },
}

/// A server that a person must recognise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whom {
    /// Its id.
    pub id: ServerId,
    /// Its host name.
    pub hostname: String,
}

/// The points that a server has: how many, and the ends of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// How many there are.
    pub count: usize,
    /// The oldest and the newest; none where there are none.
    pub ends: Option<Box<(Point, Point)>>,
}

impl RecoveryPoint {
    /// Whether every server is launched from its newest state.
    pub fn is_latest(&self) -> bool {
        match self {
            Self::Latest => true,
            Self::Before(_) => false,
            Self::Named(points) => points.is_empty(),
        }
    }
}

/// Whether an identifier has the form of a point's: `pit-` and 17 letters or digits.
pub fn is_point_id(id: &str) -> bool {
    id.strip_prefix("pit-")
        .is_some_and(|rest| rest.len() == 17 && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// What one server is to be launched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Before(Timestamp),
    Named(SnapshotId),
}

/// What was asked for, server by server, and what of it means nothing. Servers that are launched from their newest state
/// are missing.
pub(crate) fn choices(
    points: &RecoveryPoint,
    frozen: &Frozen,
) -> (BTreeMap<ServerId, Choice>, Vec<PointError>) {
    let mut chosen = BTreeMap::new();
    let mut errors = Vec::new();
    match points {
        RecoveryPoint::Latest => {}
        RecoveryPoint::Before(at) => {
            let all = frozen.servers();
            chosen.extend(all.map(|(_, server)| (server.id.clone(), Choice::Before(*at))));
        }
        RecoveryPoint::Named(points) => {
            for (named, snapshot) in points {
                if !is_point_id(snapshot.as_str()) {
                    errors.push(PointError::Malformed {
                        named: named.clone(),
                        snapshot: snapshot.clone(),
                    });
                }
                let server = match find(frozen, named) {
                    Ok(server) => server,
                    Err(error) => {
                        errors.push(error);
                        continue;
                    }
                };
                let choice = Choice::Named(snapshot.clone());
                if chosen.insert(server.id.clone(), choice).is_some() {
                    let server = Whom::of(server);
                    errors.push(PointError::NamedTwice { server });
                }
            }
            chosen.retain(|_, choice| match choice {
                Choice::Named(snapshot) => is_point_id(snapshot.as_str()),
                Choice::Before(_) => true,
            });
        }
    }
    (chosen, errors)
}

/// The server with an id, or the only one with a host name.
fn find<'a>(frozen: &'a Frozen, named: &str) -> Result<&'a FrozenServer, PointError> {
    let all = || frozen.servers().map(|(_, server)| server);
    if let Some(server) = all().find(|server| server.id.as_str() == named) {
        return Ok(server);
    }
    let found: Vec<&FrozenServer> = all().filter(|server| server.hostname == named).collect();
    match found.as_slice() {
        [server] => Ok(server),
        [] => Err(PointError::ServerUnknown {
            named: named.to_owned(),
        }),
        several => Err(PointError::Ambiguous {
            named: named.to_owned(),
            servers: several.iter().map(|server| server.id.clone()).collect(),
        }),
    }
}

/// The point of a server that is meant.
pub(crate) fn pick(
    choice: &Choice,
    server: &FrozenServer,
    snapshots: &[RecoverySnapshot],
) -> Result<Point, PointError> {
    let points = in_order(snapshots);
    let found = match choice {
        Choice::Named(id) => points.iter().find(|point| point.id == *id),
        Choice::Before(at) => points.iter().rev().find(|point| point.at <= *at),
    };
    if let Some(point) = found {
        return Ok(point.clone());
    }
    let ends = points.first().cloned().zip(points.last().cloned());
    let has = Kept {
        count: points.len(),
        ends: ends.map(Box::new),
    };
    let server = Whom::of(server);
    Err(match choice {
        Choice::Named(snapshot) => PointError::Missing {
            server,
            snapshot: snapshot.clone(),
            has,
        },
        Choice::Before(at) => PointError::NoneBefore {
            server,
            at: *at,
            has,
        },
    })
}

/// What is wrong, one line each; of very many the first, and how many more there are.
pub fn told(problems: &[PointError]) -> Vec<String> {
    let shown = problems.iter().take(limits::POINT_PROBLEMS);
    let mut lines: Vec<String> = shown.map(ToString::to_string).collect();
    let more = problems.len().saturating_sub(limits::POINT_PROBLEMS);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// The points that were taken, oldest first.
pub fn in_order(snapshots: &[RecoverySnapshot]) -> Vec<Point> {
    let taken = snapshots.iter().filter_map(|snapshot| {
        Some(Point {
            id: snapshot.id.clone(),
            at: snapshot.taken_at?,
        })
    });
    let mut points: Vec<Point> = taken.collect();
    points.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
    points
}

impl Whom {
    pub(crate) fn of(server: &FrozenServer) -> Self {
        Self {
            id: server.id.clone(),
            hostname: server.hostname.clone(),
        }
    }
}

impl Source {
    /// The word that the history and programs see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Previous => "previous",
            Self::Named => "named",
        }
    }
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.hostname == self.id.as_str() {
            write!(f, "{}", self.id)
        } else {
            write!(f, "{} ({})", self.hostname, self.id)
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {}",
            self.id,
            self.at.strftime("%Y-%m-%d %H:%M:%S UTC")
        )
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ends.as_deref() {
            Some((oldest, newest)) if self.count > 1 => write!(
                f,
                "it has {} points, the oldest {oldest}, the newest {newest}",
                self.count
            ),
            Some((only, _)) => write!(f, "its only point is {only}"),
            None => write!(f, "it has no recovery point at all"),
        }
    }
}

impl fmt::Display for PointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerUnknown { named } => write!(
                f,
                "a recovery point is named for {named:?}, and no server that takes part has this id or host name"
            ),
            Self::Ambiguous { named, servers } => {
                let ids: Vec<&str> = servers.iter().map(ServerId::as_str).collect();
                let ids = ids.join(", ");
                write!(
                    f,
                    "a recovery point is named for {named:?}, and several servers have this host name: name one of {ids}"
                )
            }
            Self::NamedTwice { server } => write!(
                f,
                "two recovery points are named for {server}, by its id and by its host name"
            ),
            Self::Malformed { named, snapshot } => write!(
                f,
                "{:?} is no recovery point for {named:?}: the id of one is \"pit-\" and 17 letters or digits",
                snapshot.as_str()
            ),
            Self::Missing {
                server,
                snapshot,
                has,
            } => write!(
                f,
                "{server} has no recovery point {snapshot}: it aged out, or is another server's; {has}"
            ),
            Self::NoneBefore { server, at, has } => write!(
                f,
                "{server} has no recovery point of {} or before; {has}",
                at.strftime("%Y-%m-%d %H:%M:%S UTC")
            ),
            Self::Unreadable { target, error } => {
                write!(f, "the recovery points in {target} cannot be read: {error}")
            }
        }
    }
}

impl std::error::Error for PointError {}
