//! `drsctl export`: everything that the history has about one execution, as one JSON document.
//!
//! It is for whoever looks into an execution later, perhaps without the tables. So a history that does not make sense is
//! exported as it is, with a word about what is wrong.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use drs_engine::ports::Clock;
use drs_engine::report::Driven;
use drs_engine::store::codec::SCHEMA_VERSION;
use drs_engine::store::items::Items;
use drs_engine::store::projection::{ServerProjection, WaveProjection};
use drs_engine::store::record::SignOfLife;
use serde_json::{Value, json};

use crate::cli::Export;
use crate::failure::{Ending, Failure};
use crate::history::History;
use crate::json;
use crate::screen::Screen;

/// The shape of the document. A later one may have more fields; other meanings get another number.
const FORMAT_VERSION: u32 = 1;

pub(crate) async fn export<I: Items + Clone, C: Clock>(
    history: &History<I, C>,
    asked: &Export,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let document = collect(history, &asked.execution).await?;
    let Some(path) = &asked.output_file else {
        screen.print_raw(&format!("{document:#}\n"))?;
        return Ok(Ending::Success);
    };
    write(path, &format!("{document:#}\n")).map_err(|error| {
        Failure::new(format!("{} cannot be written: {error}", path.display()))
            .safe("Nothing was changed; a file that was there is as it was.")
            .help(format!(
                "`drsctl export {} > FILE` prints the document instead; the shell then says who may read the file.",
                asked.execution
            ))
    })?;
    if asked.output.is_json() {
        let told = json!({ "execution_id": asked.execution, "file": path });
        screen.print_raw(&format!("{told}\n"))?;
        return Ok(Ending::Success);
    }
    screen.print(&format!(
        "Execution {} is in {}. Only you can read the file: it holds names of servers and people.",
        asked.execution,
        path.display()
    ))?;
    Ok(Ending::Success)
}

async fn collect<I: Items + Clone, C: Clock>(
    history: &History<I, C>,
    named: &str,
) -> Result<Value, Failure> {
    let id = history.choose(Some(named)).await?;
    let loaded = history.load(&id).await?;
    let executions = &history.executions;
    let unreadable = |error| history.unreadable(&error);
    let summary = executions.summary(&id).await.map_err(unreadable)?;
    let sign = executions.sign_of_life(&id).await.map_err(unreadable)?;
    let waves = executions.waves(&id).await.map_err(unreadable)?;
    let servers = executions.servers(&id).await.map_err(unreadable)?;
    let now = history.clock.now();
    let (execution, events, problem) = match json::fold(&loaded.frozen, &loaded.events) {
        Ok((state, events)) => {
            let driven = Driven::judge(&state, sign.as_ref(), now.wall);
            (json::execution(&state, driven), events, None)
        }
        Err(error) => {
            let events = loaded.events.iter().map(json::recorded).collect();
            (Value::Null, events, Some(error.to_string()))
        }
    };
    Ok(json!({
        "format": "drsctl-export",
        "format_version": FORMAT_VERSION,
        "drsctl_version": drs_engine_aws::VERSION,
        "schema_version": SCHEMA_VERSION,
        "exported_at": now.world,
        "exported_at_wall": now.wall,
        "environment": history.place.environment,
        "target": history.place.target,
        "simulator": history.place.simulator,
        "summary": summary.as_ref().map(json::summary),
        "owner": sign.as_ref().map(owner),
        "execution": execution,
        "problem": problem,
        "frozen": loaded.frozen,
        "events": events,
        "waves": waves.iter().map(wave).collect::<Vec<_>>(),
        "servers": servers.iter().map(server).collect::<Vec<_>>(),
    }))
}

/// The last sign of life of the owner.
fn owner(sign: &SignOfLife) -> Value {
    json!({
        "id": sign.owner,
        "host": sign.host,
        "at_wall": sign.at,
    })
}

/// The item of a wave, as it was last written.
fn wave(wave: &WaveProjection) -> Value {
    json!({
        "index": wave.index,
        "name": wave.name,
        "status": wave.status,
        "started_at": wave.started_at,
        "ended_at": wave.ended_at,
        "launched": wave.launched,
        "failed": wave.failed,
        "servers": wave.servers,
    })
}

/// The item of a server, as it was last written.
fn server(server: &ServerProjection) -> Value {
    json!({
        "source_server_id": server.id,
        "hostname": server.hostname,
        "wave": server.wave,
        "account_id": server.target.account_id,
        "region": server.target.region,
        "status": server.status,
        "reason": server.reason,
        "job_id": server.job,
        "recovery_instance_id": server.instance,
    })
}

/// Writes a file that only its owner can read, as a whole or not at all. What is there and is no file stays.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("it is there and is not a file"));
    }
    let mut name = path
        .file_name()
        .ok_or_else(|| io::Error::other("it names no file"))?
        .to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&part)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}
