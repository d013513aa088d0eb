//! What a preflight says, in words for people.

use crate::event::Mode;
use crate::ids::Target;
use crate::limits::Quotas;
use crate::ports::{CallError, Kind, ROLE_NOT_ASSUMABLE, SourceServer};
use crate::readiness::Named;
use crate::report::duration;
use crate::resolve::{Resolution, ResolveError, some_servers};
use crate::store::codec::ReadError;
use crate::store::summary::Summary;

use super::Level;

pub(super) mod launches;

pub(super) fn resolve(error: &ResolveError) -> String {
    match error {
        ResolveError::Call { target, error } => call(target, error),
        error => error.to_string(),
    }
}

pub(super) fn servers(count: usize, resolution: &Resolution) -> String {
    let waves = resolution.parsed.waves().len();
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let mut text = format!(
        "{count} server{} in {waves} wave{}",
        plural(count),
        plural(waves)
    );
    for note in &resolution.notes {
        text.push_str("; ");
        text.push_str(note);
    }
    text
}

pub(super) fn other(other: &Summary, gives_way: bool) -> String {
    let id = &other.execution_id;
    let what = format!(
        "{} {id} of plan {:?} is {}",
        other.mode.as_str().to_lowercase(),
        other.plan_name,
        other.status
    );
    if gives_way {
        format!("{what}; a recovery takes its servers, and it launches no more")
    } else {
        format!(
            "{what} and has the plan or servers of it; wait for its end, or end it by `drsctl cancel {id} --reason TEXT`"
        )
    }
}

/// A function or a document that a hook or a check would run, and that does not exist.
pub(super) fn missing(missing: &str, mode: Mode) -> String {
    let means = match mode {
        Mode::Drill => "a drill is refused",
        Mode::Recovery => "a recovery starts all the same, and there it fails",
    };
    format!("{missing}; {means}; make it there, or change the plan")
}

pub(super) fn topics(count: usize) -> String {
    match count {
        1 => "the topic that is told of executions exists".to_owned(),
        count => format!("all {count} topics that are told of executions exist"),
    }
}

/// A topic that nobody can be told through.
pub(super) fn no_topic(arn: &str) -> String {
    format!(
        "the topic {arn} does not exist, so nobody is told through it; an execution runs all the same; make it, or change \
         notifications of the plan"
    )
}

pub(super) fn unknown_topic(arn: &str, error: &CallError) -> String {
    format!(
        "whether the topic {arn} exists is not known: {}; an execution runs all the same",
        call_text(error)
    )
}

pub(super) fn instances(is_drill: bool, told: &[Named]) -> (Level, String) {
    let (level, what) = if is_drill {
        let what = "instances of earlier drills exist, and a launch replaces them";
        (Level::Warning, what)
    } else {
        let what = "live recovery instances exist, and a launch would delete them";
        (Level::Problem, what)
    };
    (level, format!("{what}: {}", some_servers(told)))
}

pub(super) fn quotas(
    target: &Target,
    (jobs, in_jobs): (usize, usize),
    busy: &[Named],
    quotas: &Quotas,
) -> (Level, String) {
    let text = format!(
        "{jobs} of {} jobs and {in_jobs} of {} servers in jobs are in use in {target}",
        quotas.jobs, quotas.servers_in_jobs
    );
    if busy.is_empty() && jobs == 0 {
        return (Level::Ready, text);
    }
    let waits = if busy.is_empty() {
        "launches may wait for them".to_owned()
    } else {
        format!(
            "these servers are in jobs of others and are waited for: {}",
            some_servers(busy)
        )
    };
    (Level::Warning, format!("{text}; {waits}"))
}

pub(super) fn replication_of(server: &SourceServer) -> String {
    let lag = server.lag.as_deref().filter(|_| super::is_behind(server));
    let lag = lag.map_or_else(String::new, |lag| format!(", behind by {}", lag_of(lag)));
    format!("{} {}{lag}", server.hostname, server.replication_state)
}

/// A lag as people say it; one that cannot be understood as it is.
fn lag_of(lag: &str) -> String {
    let span = lag.parse::<jiff::Span>().ok();
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let known = span.and_then(|span| span.to_duration(days).ok());
    known.map_or_else(|| lag.to_owned(), duration)
}

pub(super) fn all_well(target: &Target, count: usize) -> String {
    format!("replication of all {count} servers in {target} is up to date")
}

pub(super) fn unwell(unwell: &[Named]) -> String {
    format!(
        "replication is not up to date, and these servers are launched from their last good point in time: {}",
        some_servers(unwell)
    )
}

pub(super) fn unreadable(what: &str, error: &ReadError) -> String {
    format!("{what} cannot be read: {error}")
}

pub(super) fn call(target: &Target, error: &CallError) -> String {
    format!("{} (in {target})", call_text(error))
}

fn call_text(error: &CallError) -> String {
    match error.kind {
        Kind::Refused if error.is_denied() => {
            format!("{error}; allow the action {} to the caller", error.action())
        }
        Kind::Refused if error.code == "UninitializedAccountException" => format!(
            "{error}; DRS was never set up there: an administrator opens the DRS console once in that account and Region, or \
             calls drs:InitializeService"
        ),
        // What it says tells what helps; by itself, it does not pass.
        _ if error.code == ROLE_NOT_ASSUMABLE => error.message.clone(),
        Kind::Refused => error.to_string(),
        Kind::Busy | Kind::Unknown => format!("{error}; this may pass: ask again"),
    }
}
