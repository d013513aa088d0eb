//! What is safe to do next, and the command that does it.
//!
//! Every line is one piece of advice for a person who was just woken up. Advice is given only for what this version can
//! do; it never says that something was done.

use std::collections::BTreeMap;

use crate::event::Outcome;
use crate::ids::InstanceId;
use crate::limits;
use crate::state::{NoticePhase, Phase, State, Status, Stop, Stopper};
use crate::time::after;

use super::{Driven, clock};

/// Instances named in one piece of advice; more are counted.
const NAMED: usize = 8;

/// What can be done about an execution now, most urgent first. Empty when there is nothing to do.
pub fn next(state: &State, driven: Driven) -> Vec<String> {
    let mut advice = Vec::new();
    match state.status {
        Status::Running | Status::Paused | Status::Cancelling => {
            while_running(state, driven, &mut advice);
        }
        Status::Ended(outcome) => after_the_end(state, outcome, driven, &mut advice),
        Status::Halted => advice.push(halted(state)),
    }
    if state.status.is_terminal() {
        termination(state, driven, &mut advice);
        unsent(state, driven, &mut advice);
    }
    untold(state, &mut advice);
    advice
}

fn while_running(state: &State, driven: Driven, advice: &mut Vec<String>) {
    let id = &state.started.execution_id;
    if state.status == Status::Paused {
        advice.push(paused(state));
    }
    if driven != Driven::Yes {
        let again = if is_of_terraform(state) {
            ", and so does `terraform apply`"
        } else {
            ""
        };
        advice.push(format!(
            "Nothing more is launched until somebody drives it again; jobs that run go on in DRS. `drsctl run {id}` takes \
             the execution over{again}; nothing is launched twice."
        ));
    }
    let unanswered: Vec<_> = state
        .unresolved()
        .map(|(_, launch)| launch.signed_at)
        .collect();
    if let Some(last) = unanswered.iter().max() {
        let fence = after(*last, limits::launch_fence(limits::SIGNATURE_AGE));
        advice.push(format!(
            "Do not launch its servers by hand: a launch has no answer yet. Its job is looked for and adopted; only \
             when there is none by {} UTC is the launch made again.",
            clock(fence)
        ));
    }
    if driven == Driven::Yes {
        advice.push(format!(
            "`drsctl watch {id}` follows it; watching changes nothing."
        ));
    }
    if state.status == Status::Running && state.stop.is_none() {
        advice.push(format!(
            "`drsctl cancel {id} --reason TEXT` cancels it: nothing more is launched then, and jobs that run are followed \
             to their end, because DRS cannot stop them."
        ));
    }
}

/// What is held, why, and how it goes on.
fn paused(state: &State) -> String {
    let id = &state.started.execution_id;
    let held: Vec<String> = state
        .held_waves()
        .map(|(_, wave)| {
            let reason = wave.hold.as_ref().map_or("", |hold| hold.reason.as_str());
            format!("wave {:?} ({reason})", wave.frozen.name)
        })
        .collect();
    let what = match &state.pause {
        Some(pause) => format!("It is paused as a whole ({})", pause.reason),
        None => format!("Held until somebody resumes: {}", held.join(", ")),
    };
    format!(
        "{what}. Running jobs are followed, and no limit counts the time. `drsctl resume {id} --reason TEXT` lets it go on; \
         `drsctl cancel {id} --reason TEXT` ends it."
    )
}

fn after_the_end(state: &State, outcome: Outcome, driven: Driven, advice: &mut Vec<String>) {
    let unfollowed: Vec<&str> = state
        .launches
        .values()
        .filter_map(|launch| match &launch.phase {
            Phase::GivenUp { job: Some(job) } => Some(job.as_str()),
            _ => None,
        })
        .collect();
    if !unfollowed.is_empty() {
        advice.push(format!(
            "Jobs were not followed to their end and may still launch servers: `aws drs describe-jobs --filters \
             jobIDs={}`.",
            unfollowed.join(",")
        ));
    }
    if let Some(Stop::Guard { by, .. }) = state.stop {
        advice.push(stopped(state, by).to_owned());
    }
    if !is_of_terraform(state) {
        return;
    }
    if outcome != Outcome::Completed && state.is_drill() {
        advice.push(
            "When the cause is mended, `terraform apply` replaces the unsuccessful execution with a new one; what this \
             one launched is terminated first, as its `cleanup` says."
                .to_owned(),
        );
    } else if !state.delivered && driven != Driven::Yes {
        advice.push(
            "It is not known whether Terraform has saved the result. If it has not, e.g. because its process died, the \
             next `terraform apply` with the same triggers returns this result and starts nothing."
                .to_owned(),
        );
    }
}

/// What helps after a guard has stopped an execution.
fn stopped(state: &State, by: Stopper) -> &'static str {
    match by {
        Stopper::LiveInstances => {
            "The live recovery instances are untouched. Decide whether they are still in use before anything is launched for \
             their servers: every launch deletes a server's previous recovery instance."
        }
        Stopper::Unreadable if state.is_drill() => {
            "Nothing was launched without the look. Let its caller list recovery instances \
             (drs:DescribeRecoveryInstances), and drill again."
        }
        Stopper::Unreadable => {
            "Nothing was launched without the look. Let its caller list recovery instances \
             (drs:DescribeRecoveryInstances), and start a recovery of what was not launched; leave out with \
             `--exclude-server` what was, because every launch deletes a server's previous recovery instance. Where it must \
             go on all the same, `--force-unknown live-instances` launches without the look: an instance that DRS does not \
             show may then be deleted."
        }
        Stopper::DrillGuard => {
            "Nothing was launched past the drill guard. Mend what it says: the launch template, the subnet, or the right to \
             read them; `drsctl preflight PLAN` shows it again without starting anything."
        }
    }
}

fn halted(state: &State) -> String {
    format!(
        "A rule of the engine was broken, so it stopped touching anything. Its instances and jobs are as they were. \
         Keep `drsctl show {} --json --timeline` for whoever looks into it, and check the servers in the DRS console \
         before another execution is started.",
        state.started.execution_id
    )
}

fn termination(state: &State, driven: Driven, advice: &mut Vec<String>) {
    let id = &state.started.execution_id;
    let left = standing_instances(state);
    let terminates = format!("`drsctl terminate {id} --reason TEXT`");
    match &state.termination {
        Some(termination) if termination.finished.is_none() && driven == Driven::Yes => {}
        Some(termination) if termination.finished.is_none() => advice.push(format!(
            "Its instances are being terminated, but nobody drives that now: `drsctl run {id}` takes it up."
        )),
        _ if left.is_empty() => {}
        Some(_) => advice.push(format!(
            "Instances are left and cost money: {}. {terminates} tries again. By hand: `aws drs \
             terminate-recovery-instances --recovery-instance-ids {}`.",
            named(&left, ", "),
            named(&left, " ")
        )),
        None if is_of_terraform(state) => advice.push(format!(
            "The drill's instances ({} of them) run until they are terminated. {terminates} does that now, and \
             `terraform destroy -target=drs_drill_execution.NAME` as well; both check that they are gone.",
            left.len()
        )),
        None if state.is_drill() => advice.push(format!(
            "The drill's instances ({} of them) run until they are terminated: {terminates} does that and checks that they \
             are gone.",
            left.len()
        )),
        None => {}
    }
}

/// Notices that a process did not send any more.
fn unsent(state: &State, driven: Driven, advice: &mut Vec<String>) {
    let due = state.notices.due().count();
    if due > 0 && driven != Driven::Yes {
        let id = &state.started.execution_id;
        advice.push(format!(
            "Not everybody was told ({} not sent): `drsctl run {id}` tells them, and so does `drsctl sweep`.",
            super::several(due, "notice")
        ));
    }
}

/// Topics that were not told something, and why not, the last time.
fn untold(state: &State, advice: &mut Vec<String>) {
    let mut topics: BTreeMap<&str, (Vec<&str>, &str)> = BTreeMap::new();
    for (id, notice) in &state.notices.all {
        if let NoticePhase::GivenUp { message } = &notice.phase {
            let (kinds, why) = topics.entry(&id.topic).or_default();
            if !kinds.contains(&notice.kind.as_str()) {
                kinds.push(notice.kind.as_str());
            }
            *why = message;
        }
    }
    for (topic, (kinds, why)) in topics {
        advice.push(format!(
            "{topic} was not told of {}, and nobody tries again: {why}. Mend the topic, its policy or the plan; the execution \
             does not wait for it.",
            kinds.join(", ")
        ));
    }
}

/// Whether Terraform started it, and its configuration says what becomes of it.
fn is_of_terraform(state: &State) -> bool {
    state.is_drill() && state.started.origin == "terraform"
}

/// Instances of the execution that are not known to be gone.
fn standing_instances(state: &State) -> Vec<&InstanceId> {
    let gone = state
        .termination
        .as_ref()
        .map(|termination| &termination.gone);
    state
        .frozen_waves()
        .iter()
        .flatten()
        .filter_map(|frozen| state.servers.get(&frozen.id)?.instance.as_ref())
        .filter(|instance| gone.is_none_or(|gone| !gone.contains(*instance)))
        .collect()
}

fn named(instances: &[&InstanceId], separator: &str) -> String {
    let shown: Vec<&str> = instances
        .iter()
        .take(NAMED)
        .map(|instance| instance.as_str())
        .collect();
    let text = shown.join(separator);
    match instances.len().saturating_sub(NAMED) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}
