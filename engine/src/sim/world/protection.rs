//! StopReplication and StartReplication: a server without replication has no points in time, and one that begins anew has
//! none until its initial sync has ended.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Stage, read_input};
use super::error::ApiError;
use super::launch::BUSY;
use super::model::Server;
use super::replication::Replication;
use super::servers;

#[derive(Deserialize)]
struct Input {
    #[serde(rename = "sourceServerID")]
    server_id: String,
}

/// Carries out `StopReplication`: it also deletes every point in time.
pub(super) fn stop(stage: &mut Stage<'_>, input: &Value) -> Result<Value, ApiError> {
    change(stage, input, |server, now| {
        Ok(server.replication.changed("STOPPED", None, 0, now))
    })
}

/// Carries out `StartReplication`: an initial sync from the beginning.
pub(super) fn start(stage: &mut Stage<'_>, input: &Value) -> Result<Value, ApiError> {
    change(stage, input, |server, now| {
        let state = server.replication.state(now);
        if matches!(state, "STOPPED" | "DISCONNECTED") {
            return Ok(Replication::started(now));
        }
        let text = format!("Source server {} replicates already: {state}", server.id);
        Err(ApiError::conflict_of("SourceServer", &server.id, text))
    })
}

fn change(
    stage: &mut Stage<'_>,
    input: &Value,
    next: impl FnOnce(&Server, Timestamp) -> Result<Replication, ApiError>,
) -> Result<Value, ApiError> {
    let Input { server_id } = read_input(input)?;
    let now = stage.now;
    let missing = || ApiError::not_found("SourceServer", &server_id);
    let server = stage.site.servers.get(&server_id).ok_or_else(missing)?;
    if stage.site.is_running(server.job, now) {
        return Err(ApiError::conflict(BUSY));
    }
    let replication = next(server, now)?;
    let server = stage.site.servers.get_mut(&server_id);
    server.ok_or_else(missing)?.replication = replication;
    let server = &stage.site.servers[&server_id];
    Ok(json!({"sourceServer": servers::view(stage.site, now, server)}))
}
