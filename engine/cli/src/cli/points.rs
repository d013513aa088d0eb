//! Recovery points: what is launched from, and a list of those that there are.

use std::collections::BTreeMap;

use clap::Args;
use drs_engine::ids::SnapshotId;
use drs_engine::point::{RecoveryPoint, is_point_id};

use super::Output;
use crate::failure::Failure;
use crate::shell::word;

/// What servers are launched from; it is resolved when the execution starts, and recorded.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Recovery points")]
pub(crate) struct FromPoints {
    /// What to launch from: latest, or the newest point before a time, e.g. 2026-03-01T09:00:00Z [default: latest]
    #[arg(
        long,
        value_name = "latest|TIME",
        value_parser = recovery_point,
        conflicts_with = "snapshot"
    )]
    pub(crate) recovery_point: Option<RecoveryPoint>,
    /// The recovery point of one server, by its id or its host name; may be given several times
    #[arg(long, value_name = "SERVER=pit-...", value_parser = named_point)]
    pub(crate) snapshot: Vec<(String, SnapshotId)>,
}

impl FromPoints {
    /// The same for the engine.
    pub(crate) fn wanted(&self) -> Result<RecoveryPoint, Failure> {
        let mut named = BTreeMap::new();
        for (server, snapshot) in &self.snapshot {
            if named.insert(server.clone(), snapshot.clone()).is_some() {
                return Err(Failure::new(format!(
                    "two recovery points are named for server {server:?}"
                ))
                .safe("Nothing was started and nothing was launched.")
                .help("Give --snapshot once for each server."));
            }
        }
        Ok(match &self.recovery_point {
            Some(points) => points.clone(),
            None if named.is_empty() => RecoveryPoint::Latest,
            None => RecoveryPoint::Named(named),
        })
    }

    /// The options as they would be typed again.
    pub(crate) fn typed(&self) -> Vec<String> {
        let time = match &self.recovery_point {
            Some(RecoveryPoint::Before(at)) => Some(format!("--recovery-point {at}")),
            _ => None,
        };
        let named = self.snapshot.iter();
        let named = named.map(|(server, id)| format!("--snapshot {}={id}", word(server)));
        time.into_iter().chain(named).collect()
    }
}

fn recovery_point(text: &str) -> Result<RecoveryPoint, String> {
    if text.eq_ignore_ascii_case("latest") {
        return Ok(RecoveryPoint::Latest);
    }
    text.parse().map(RecoveryPoint::Before).map_err(|_| {
        "it is neither \"latest\" nor a time with its zone, e.g. 2026-03-01T09:00:00Z".to_owned()
    })
}

fn named_point(text: &str) -> Result<(String, SnapshotId), String> {
    match text.split_once('=') {
        Some((server, id)) if !server.is_empty() && is_point_id(id) => {
            Ok((server.to_owned(), SnapshotId::new(id)))
        }
        Some((server, _)) if !server.is_empty() => {
            Err("the id of a recovery point is \"pit-\" and 17 letters or digits".to_owned())
        }
        _ => Err(
            "it must be the id or the host name of a server, \"=\" and the id of a point"
                .to_owned(),
        ),
    }
}

/// Lists the recovery points that DRS keeps of a plan's servers
#[derive(Args, Debug)]
pub(crate) struct Points {
    /// Recovery plan, by name or by id
    #[arg(value_name = "PLAN")]
    pub(crate) plan: String,
    /// Every point of this server, by id or by host name; may be given several times
    #[arg(long, value_name = "SERVER")]
    pub(crate) server: Vec<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}
