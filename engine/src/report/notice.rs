//! The text of a notice: what happened, where the execution stands now, what can be done, and the commands that do it.
//!
//! A notice may be published long after what it tells of, and twice; it says when that was, and carries an id.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::begin::REASON;
use crate::event::{Event, NoticeId};
use crate::limits;
use crate::plan::NoticeKind;
use crate::ports::Message;
use crate::state::{Notice, State, Status, Verdict};

use super::{Driven, about, board, counted, date_and_clock, next, several};

/// The message of a notice at an instant of world time; none when the execution has no such notice.
pub fn notice(state: &State, id: &NoticeId, now: Timestamp) -> Option<Message> {
    let notice = state.notices.all.get(id)?;
    let key = format!("{}/{}", state.started.execution_id, id.event);
    Some(Message {
        subject: subject(state, notice),
        text: text(state, notice, &key, now),
        attributes: attributes(state, notice, &key),
        id: key,
    })
}

/// The line of an event about a notice; none for others.
pub(super) fn tell(state: &State, event: &Event) -> Option<Vec<String>> {
    let kind = |id: &NoticeId| {
        let notice = state.notices.all.get(id);
        notice.map_or("", |notice| notice.kind.as_str())
    };
    Some(vec![match event {
        Event::NoticeSent { notice } => format!("  {} was told: {}", notice.topic, kind(notice)),
        Event::NoticeFailed {
            notice,
            message,
            given_up,
        } => {
            let next = if *given_up {
                "it is not tried again"
            } else {
                "tried again later"
            };
            let kind = kind(notice);
            format!(
                "  {} was NOT told of {kind}: {message}; {next}",
                notice.topic
            )
        }
        _ => return None,
    }])
}

fn subject(state: &State, notice: &Notice) -> String {
    let what = what(state);
    let wave = wave_of(state, notice);
    match notice.kind {
        NoticeKind::Started => format!("STARTED: {what}"),
        NoticeKind::Paused if wave.is_empty() => format!("PAUSED: {what}"),
        NoticeKind::Paused => format!("PAUSED at wave {wave}: {what}"),
        NoticeKind::Degraded => format!("DEGRADED in wave {wave}: {what}"),
        NoticeKind::Finished => format!("{}: {what}, {}", state.status.as_str(), counted(state)),
    }
}

/// `drill of plan shop`.
fn what(state: &State) -> String {
    let mode = state.started.mode.as_str().to_lowercase();
    format!("{mode} of plan {}", state.started.plan_name)
}

fn wave_of<'a>(state: &'a State, notice: &Notice) -> &'a str {
    let wave = notice.wave.and_then(|index| state.waves.get(index));
    wave.map_or("", |wave| wave.frozen.name.as_str())
}

fn text(state: &State, notice: &Notice, key: &str, now: Timestamp) -> String {
    let mut parts = vec![happened(state, notice)];
    parts.extend(degraded(state, notice));
    let mut lines = about(state);
    if let Some(reason) = state.started.inputs.get(REASON) {
        let reason = reason
            .as_str()
            .map_or_else(|| reason.to_string(), str::to_owned);
        lines.push(format!("because {reason}"));
    }
    parts.push(lines.join("\n"));
    let standing = board(state, now, limits::NOTICE_ROWS);
    parts.push(standing.trim_end().to_owned());
    parts.push(can_be_done(state));
    parts.push(format!(
        "Notice {key}. It may come twice; both have this id."
    ));
    let mut text = parts.join("\n\n");
    text.push('\n');
    text
}

/// What happened, and whether it is still so.
fn happened(state: &State, notice: &Notice) -> String {
    let at = date_and_clock(notice.at);
    let id = &state.started.execution_id;
    let mode = state.started.mode.as_str().to_lowercase();
    let subject = format!("{mode} {id} of plan {:?}", state.started.plan_name);
    let wave = wave_of(state, notice);
    match notice.kind {
        NoticeKind::Started => format!("At {at}, {subject} started."),
        NoticeKind::Paused => {
            let why = why_paused(state, notice);
            let held = if wave.is_empty() {
                "was paused as a whole".to_owned()
            } else {
                format!("was paused at wave {wave:?}")
            };
            let since = match state.status {
                Status::Paused => "",
                _ => " It is not paused any more.",
            };
            format!("At {at}, {subject} {held}{why}.{since}")
        }
        NoticeKind::Degraded => {
            let count = notice.wave.and_then(|index| state.waves.get(index));
            let count = several(count.map_or(0, |wave| wave.degraded), "server");
            format!(
                "By {at}, {count} of wave {wave:?} of {subject} did not pass a check. What was launched runs; a person \
                 should look at it."
            )
        }
        NoticeKind::Finished => {
            let ended = state.status.as_str();
            format!("At {at}, {subject} ended: {ended}.")
        }
    }
}

/// Why it is paused, where that is still known.
fn why_paused(state: &State, notice: &Notice) -> String {
    let reason = match notice.wave {
        None => state.pause.as_ref().map(|pause| &pause.reason),
        Some(index) => state
            .waves
            .get(index)
            .and_then(|wave| wave.hold.as_ref())
            .map(|hold| &hold.reason),
    };
    reason.map_or_else(String::new, |reason| format!(": {reason}"))
}

/// The degraded servers of the wave that is told of, or of all at the end, with their reasons.
fn degraded(state: &State, notice: &Notice) -> Option<String> {
    if !matches!(notice.kind, NoticeKind::Degraded | NoticeKind::Finished) {
        return None;
    }
    let is_meant = |wave: usize| notice.wave.is_none_or(|index| index == wave);
    let frozen = state.frozen_waves().iter().flatten();
    let lines: Vec<String> = frozen
        .filter_map(|frozen| Some((frozen, state.servers.get(&frozen.id)?)))
        .filter(|(_, server)| is_meant(server.wave))
        .filter_map(|(frozen, server)| {
            let Verdict::Degraded { reason } = &server.health.as_ref()?.verdict else {
                return None;
            };
            let instance = server.instance.as_ref();
            let instance = instance.map_or("no instance known", |instance| instance.as_str());
            Some(format!(
                "- {} ({}, {instance}, in {}): {reason}",
                server.hostname, frozen.id, server.target
            ))
        })
        .collect();
    let more = lines.len().saturating_sub(limits::SERVERS_PER_NOTICE);
    let mut shown: Vec<String> = lines.into_iter().take(limits::SERVERS_PER_NOTICE).collect();
    if more > 0 {
        shown.push(format!("- and {more} more"));
    }
    (!shown.is_empty()).then(|| format!("Degraded:\n{}", shown.join("\n")))
}

/// What is safe to do now, with the commands.
fn can_be_done(state: &State) -> String {
    let id = &state.started.execution_id;
    let mut lines = vec!["What can be done now:".to_owned()];
    let advice = next(state, Driven::Yes);
    lines.extend(advice.iter().map(|advice| format!("- {advice}")));
    lines.push(format!(
        "- `drsctl show {id} --timeline` tells what happened, and changes nothing."
    ));
    lines.join("\n")
}

fn attributes(state: &State, notice: &Notice, key: &str) -> BTreeMap<String, String> {
    let started = &state.started;
    let pairs = [
        ("notice", notice.kind.as_str()),
        ("notice_id", key),
        ("status", state.status.as_str()),
        ("mode", started.mode.as_str()),
        ("plan", &started.plan_name),
        ("plan_id", started.plan_id.as_str()),
        ("execution_id", started.execution_id.as_str()),
    ];
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests;
