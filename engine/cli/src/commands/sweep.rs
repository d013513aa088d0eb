//! `drsctl sweep`: cleans up drills over their lifetime, whoever started them and although their process died, and sends
//! notices that were left.
//!
//! An index nominates; what is to be done with an execution comes from its own history. Wishes are made for all of them
//! first, so that jobs of one end while another is driven.

use std::sync::Arc;

use drs_engine::decide::is_done;
use drs_engine::drive::DriveError;
use drs_engine::event::Event;
use drs_engine::ids::ExecutionId;
use drs_engine::limits;
use drs_engine::ports::Clock;
use drs_engine::report::{self, Driven};
use drs_engine::state::{NoticePhase, State};
use drs_engine::sweep::{Chore, chore};
use serde_json::{Value, json};

use crate::cli::Sweep;
use crate::driving::{Came, drive};
use crate::failure::{Ending, Failure};
use crate::operator::{Operator, Ports};
use crate::progress::Progress;
use crate::screen::{Outputs, Screen};
use crate::signals::Interrupts;

use super::run::approach;
use super::several;
use super::terminate::{drive_ended, told};
use super::watch::Watching;

/// Who sweeps, in the reasons of what is asked for.
const WHO: &str = "drsctl sweep";

/// An execution with something left to do.
struct Found {
    id: ExecutionId,
    state: State,
    driven: Driven,
    chore: Chore,
}

/// What came of an execution.
struct Swept {
    id: ExecutionId,
    plan: Option<String>,
    chore: Option<&'static str>,
    result: Outcome,
    text: String,
}

/// How the sweep of one execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Only looked at.
    WouldSweep,
    /// Nothing of the drill is left.
    Clean,
    /// Instances are left.
    Left,
    /// Its notices are sent, or given up.
    Told,
    /// Another process is at it.
    DrivenByAnother,
    /// It could not be done.
    Failed,
    /// The sweep was interrupted.
    Interrupted,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::WouldSweep => "WOULD_SWEEP",
            Self::Clean => "CLEAN",
            Self::Left => "LEFT",
            Self::Told => "TOLD",
            Self::DrivenByAnother => "DRIVEN_BY_ANOTHER",
            Self::Failed => "FAILED",
            Self::Interrupted => "INTERRUPTED",
        }
    }
}

/// Sweeps once.
pub(crate) async fn sweep<P: Ports>(
    operator: &Operator<P>,
    asked: &Sweep,
    interrupts: &mut Interrupts,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let screen = &mut outputs.people;
    screen.outlive_reader();
    let mut swept = Vec::new();
    let (found, more) = find(operator, asked, &mut swept).await?;
    if found.is_empty() && swept.is_empty() {
        screen.print(&format!(
            "Nothing is left to be swept in {}.",
            operator.history.place.describe()
        ))?;
    }
    if asked.dry_run {
        swept.extend(found.into_iter().map(would));
    } else {
        let found = ask(operator, found, &mut swept).await;
        take_up(operator, found, interrupts, screen, &mut swept).await;
    }
    for one in &swept {
        screen.print(&format!(
            "{}: {}: {}",
            one.id,
            one.result.as_str(),
            one.text
        ))?;
    }
    if more > 0 {
        screen.print(&format!(
            "{} more may have something left: `drsctl sweep` again takes them up.",
            several(more, "execution")
        ))?;
    }
    outputs.print_document(|| document(asked, &swept, more))?;
    Ok(ending(&swept, more))
}

fn ending(swept: &[Swept], more: usize) -> Ending {
    let has = |wanted: &[Outcome]| swept.iter().any(|one| wanted.contains(&one.result));
    if has(&[Outcome::Interrupted]) {
        Ending::Interrupted
    } else if more > 0 || has(&[Outcome::Failed, Outcome::Left]) {
        Ending::Unsuccessful
    } else {
        Ending::Success
    }
}

/// Executions with something left to do, as their own histories say, and how many were not looked at.
async fn find<P: Ports>(
    operator: &Operator<P>,
    asked: &Sweep,
    swept: &mut Vec<Swept>,
) -> Result<(Vec<Found>, usize), Failure> {
    let history = &operator.history;
    let plan = match &asked.plan {
        Some(named) => Some(history.plan(named).await?),
        None => None,
    };
    let now = history.clock.now();
    let marked = history.executions.to_be_swept(now.world).await;
    let marked = marked.map_err(|error| history.unreadable(&error))?;
    let mut marked = marked
        .into_iter()
        .filter(|marker| plan.as_ref().is_none_or(|plan| *plan == marker.plan_id));
    let mut found = Vec::new();
    while found.len() + swept.len() < limits::EXECUTIONS_PER_SWEEP {
        let Some(marker) = marked.next() else {
            break;
        };
        let id = marker.execution_id;
        match operator.look(&id).await {
            Ok((state, driven)) => {
                if let Some(chore) = chore(&state, now, WHO) {
                    found.push(Found {
                        id,
                        state,
                        driven,
                        chore,
                    });
                }
            }
            Err(failure) => swept.push(unread(id, &failure)),
        }
    }
    Ok((found, marked.count()))
}

/// Asks that what is over its lifetime be cancelled and terminated.
async fn ask<P: Ports>(
    operator: &Operator<P>,
    found: Vec<Found>,
    swept: &mut Vec<Swept>,
) -> Vec<Found> {
    let mut asked = Vec::new();
    for one in found {
        let wishes = match &one.chore {
            Chore::CleanUp(wishes) => wishes.clone(),
            Chore::SendNotices => Vec::new(),
        };
        let mut refused = None;
        for wish in wishes {
            match operator.request(&one.id, wish).await {
                // It has ended meanwhile, or somebody asked first; the next look tells. A machine that was not woken
                // looks by itself.
                Ok(_) | Err(DriveError::Illegal(_)) => {}
                Err(error) => refused = Some(operator.history.unwritten(&one.id, &error)),
            }
        }
        match refused {
            None => asked.push(one),
            Some(failure) => swept.push(one.ended(Outcome::Failed, failure.to_string())),
        }
    }
    asked
}

/// Brings each to its end, or waits for whoever does.
async fn take_up<P: Ports>(
    operator: &Operator<P>,
    found: Vec<Found>,
    interrupts: &mut Interrupts,
    screen: &mut Screen,
    swept: &mut Vec<Swept>,
) {
    let mut is_interrupted = false;
    for one in found {
        if is_interrupted {
            let again = "the sweep was interrupted; `drsctl sweep` takes it up again";
            swept.push(one.ended(Outcome::Interrupted, again.to_owned()));
            continue;
        }
        if one.chore == Chore::SendNotices && one.driven == Driven::Yes {
            let text = report::driver(&one.state, one.driven);
            swept.push(one.ended(Outcome::DrivenByAnother, text));
            continue;
        }
        let (result, text) = match to_its_end(operator, &one, interrupts, screen).await {
            Ok(ended) => ended,
            Err(failure) => (Outcome::Failed, failure.to_string()),
        };
        is_interrupted = result == Outcome::Interrupted;
        swept.push(one.ended(result, text));
    }
}

async fn to_its_end<P: Ports>(
    operator: &Operator<P>,
    found: &Found,
    interrupts: &mut Interrupts,
    screen: &mut Screen,
) -> Result<(Outcome, String), Failure> {
    screen.print(&format!(
        "{}: {}.{}",
        found.id,
        what(found),
        asked_for(found)
    ))?;
    let progress = Arc::new(Progress::default());
    let (mut watching, _) = Watching::open(&operator.history, found.id.clone(), &progress).await?;
    if !is_done(&watching.state) {
        let asked = matches!(&found.chore, Chore::CleanUp(wishes) if !wishes.is_empty());
        // Nobody else terminates what this process has just asked to terminate.
        let came = if asked && watching.state.status.is_terminal() {
            drive_ended(operator, &mut watching, &progress, interrupts, screen).await?
        } else {
            approach(operator, &watching.state, false, screen).await?;
            drive(operator, &mut watching, &progress, interrupts, screen).await?
        };
        if came != Came::Done {
            let again = "interrupted; `drsctl sweep` takes it up again".to_owned();
            return Ok((Outcome::Interrupted, again));
        }
    }
    let state = &watching.state;
    Ok(match &found.chore {
        Chore::CleanUp(_) if state.is_clean() => (Outcome::Clean, told(state)),
        Chore::CleanUp(_) => (Outcome::Left, told(state)),
        Chore::SendNotices => (Outcome::Told, notices(state)),
    })
}

/// What is left to do with an execution.
fn what(found: &Found) -> String {
    let started = &found.state.started;
    let headline = report::headline(&found.state);
    match (&found.chore, found.state.lifetime_ends()) {
        (Chore::CleanUp(_), Some(end)) => format!(
            "over its maximum lifetime of {} since {}: {headline}",
            report::duration(started.max_lifetime.unwrap_or_default()),
            report::date_and_clock(end)
        ),
        _ => format!(
            "{} not sent: {headline}",
            several(found.state.notices.due().count(), "notice")
        ),
    }
}

/// What this sweep has asked for.
fn asked_for(found: &Found) -> &'static str {
    let Chore::CleanUp(wishes) = &found.chore else {
        return "";
    };
    match wishes.as_slice() {
        [] => " It was asked to be terminated before.",
        [Event::CancelRequested { .. }] => {
            " It is cancelled now; its termination was asked for before."
        }
        [Event::CancelRequested { .. }, ..] => {
            " It is cancelled now, and what it launched is terminated."
        }
        _ => " What it launched is terminated now.",
    }
}

fn would(found: Found) -> Swept {
    let text = what(&found);
    found.ended(Outcome::WouldSweep, text)
}

fn notices(state: &State) -> String {
    let all = state.notices.all.values();
    let given_up = all.filter(|notice| matches!(notice.phase, NoticePhase::GivenUp { .. }));
    let given_up = given_up.count();
    let sent = several(state.notices.all.len() - given_up, "notice");
    format!("{sent} sent, {given_up} given up")
}

fn unread(id: ExecutionId, failure: &Failure) -> Swept {
    Swept {
        id,
        plan: None,
        chore: None,
        result: Outcome::Failed,
        text: failure.to_string(),
    }
}

impl Found {
    fn ended(self, result: Outcome, text: String) -> Swept {
        Swept {
            id: self.id,
            plan: Some(self.state.started.plan_name),
            chore: Some(match self.chore {
                Chore::CleanUp(_) => "CLEAN_UP",
                Chore::SendNotices => "SEND_NOTICES",
            }),
            result,
            text,
        }
    }
}

fn document(asked: &Sweep, swept: &[Swept], more: usize) -> Value {
    let one = |swept: &Swept| {
        json!({
            "execution_id": swept.id,
            "plan_name": swept.plan,
            "chore": swept.chore,
            "result": swept.result.as_str(),
            "text": swept.text,
        })
    };
    json!({
        "dry_run": asked.dry_run,
        "executions": swept.iter().map(one).collect::<Vec<_>>(),
        "more": more,
    })
}
