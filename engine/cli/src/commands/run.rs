//! `drsctl run`: drives an execution that nobody drives, or follows it while somebody does.

use std::sync::Arc;

use drs_engine::begin::Whose;
use drs_engine::decide::is_done;
use drs_engine::event::Event;
use drs_engine::ids::ExecutionId;
use drs_engine::limits;
use drs_engine::ports::Clock;
use drs_engine::report;
use drs_engine::state::State;
use drs_engine::store::record::SignOfLife;
use jiff::SignedDuration;

use crate::cli::Run;
use crate::driving::{Came, drive, tell_interrupted};
use crate::failure::{Ending, Failure};
use crate::json;
use crate::machine::Machine;
use crate::operator::{Operator, Ports};
use crate::progress::Progress;
use crate::screen::{Outputs, Screen};
use crate::signals::Interrupts;

use super::watch::Watching;
use super::{change_of_plan, outcome};

/// Takes an execution up where nobody drives it, and follows it to its end in any case.
pub(crate) async fn run<P: Ports>(
    operator: &Operator<P>,
    asked: &Run,
    machine: Option<MachineFor<'_, P>>,
    interrupts: &mut Interrupts,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let screen = &mut outputs.people;
    let id = operator.history.choose(asked.execution.as_deref()).await?;
    let machine = machine.map(|machine| machine(&id));
    let progress = Arc::new(Progress::default());
    let (mut watching, told) = Watching::open(&operator.history, id, &progress).await?;
    if is_done(&watching.state) {
        screen.print("It has ended, and there is nothing to drive.")?;
        let ending = watching.end(screen)?;
        outputs.print_document(|| json::execution(&watching.state, watching.driven))?;
        return Ok(ending);
    }
    if let Some(remark) = change_of_plan(&operator.history, &watching.state).await {
        screen.print(&remark)?;
    }
    if asked.assume_not_sent {
        refuse_assumption(operator, &watching.state, asked.take_over).await?;
    }
    match &machine {
        Some(machine) => machine.check("Nothing was changed.").await?,
        None => approach(operator, &watching.state, asked.take_over, screen).await?,
    }
    if asked.assume_not_sent {
        assume_not_sent(operator, &watching.state, asked.reason.as_deref(), screen).await?;
    }
    if let Some(machine) = &machine {
        hand_over(operator, machine, &watching.state, asked.take_over, screen).await?;
    }
    screen.outlive_reader();
    watching.take(told, screen)?;
    let came = match &machine {
        Some(machine) => {
            machine
                .follow(operator, &mut watching, interrupts, screen)
                .await?
        }
        None => drive(operator, &mut watching, &progress, interrupts, screen).await?,
    };
    let ending = match (came, &machine) {
        (Came::Done, _) => {
            watching.end(screen)?;
            outcome(&watching.state)
        }
        (_, Some(machine)) => machine.tell_detached(&watching, screen)?,
        (_, None) => tell_interrupted(operator, &watching, came, screen)?,
    };
    outputs.print_document(|| json::execution(&watching.state, watching.driven))?;
    Ok(ending)
}

/// Makes the machine that is to drive an execution.
pub(crate) type MachineFor<'a, P> = &'a dyn Fn(&ExecutionId) -> Machine<P>;

/// Has a state machine drive an execution: one that nobody drives, or any where that is asked for.
async fn hand_over<P: Ports>(
    operator: &Operator<P>,
    machine: &Machine<P>,
    state: &State,
    take_over: bool,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let driver = &operator.driver;
    let id = &state.started.execution_id;
    let whose = driver.whose(id, state).await;
    let sign = match whose.map_err(|error| operator.history.undriven(id, &error))? {
        Whose::Terminal | Whose::OwnerGone => {
            machine.begin_for_gone().await?;
            return Ok(screen.print(&format!(
                "Nobody drives execution {id}{}. The state machine's run {} takes it over at its first turn.",
                last_owner(state),
                machine.hosting.host()
            ))?);
        }
        Whose::OwnedBy(sign) => sign,
    };
    let heard = heard(&sign, driver.clock.now().wall);
    if !take_over {
        return Err(Failure::new(format!(
            "execution {id} is driven by {}, {heard}",
            sign.host
        ))
        .safe("Nothing was changed.")
        .help(format!("`drsctl watch {id}` follows it."))
        .help(
            "A state machine takes over what nobody drives: end that process, or --take-over, which does not wait for it. \
             What it is launching now is looked for and adopted.",
        ));
    }
    // A machine whose first turn finds another owner that lives leaves the execution to it.
    let taken = take_over_for(operator, machine).await?;
    machine.begin_own(&taken).await?;
    let fence = limits::launch_fence(driver.settings.signature_age);
    Ok(screen.print(&format!(
        "Execution {id} is taken over from {}, {heard}, by the state machine's run {}. If that process lives, it stops at its \
         next look at the history. A launch that it is making now is looked for and adopted; it is made again only when no job \
         of it is found {} after it was announced.",
        sign.host,
        machine.hosting.host(),
        report::duration(fence)
    ))?)
}

/// Takes an execution over in the machine's name.
async fn take_over_for<P: Ports>(
    operator: &Operator<P>,
    machine: &Machine<P>,
) -> Result<State, Failure> {
    let id = &machine.hosting.execution;
    let taken = machine.driver.take_over(id, &Progress::default()).await;
    taken.map_err(|error| operator.history.undriven(id, &error))
}

/// Says whether this process will drive the execution or follow it, and takes it over where that is asked for.
pub(super) async fn approach<P: Ports>(
    operator: &Operator<P>,
    state: &State,
    take_over: bool,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let driver = &operator.driver;
    let id = &state.started.execution_id;
    let failed = |error| operator.history.undriven(id, &error);
    let wall = driver.clock.now().wall;
    match driver.whose(id, state).await.map_err(failed)? {
        Whose::Terminal => {}
        Whose::OwnerGone => screen.print(&format!(
            "Nobody drives execution {id}{}. This process takes it over and drives it.",
            last_owner(state)
        ))?,
        Whose::OwnedBy(sign) if take_over => {
            let fence = limits::launch_fence(driver.settings.signature_age);
            screen.print(&format!(
                "Execution {id} is taken over from {}, {}. If that process lives, it stops at its next look at the \
                 history. A launch that it is making now is looked for and adopted; it is made again only when no job \
                 of it is found {} after it was announced.",
                sign.host,
                heard(&sign, wall),
                report::duration(fence)
            ))?;
            let taken = driver.take_over(id, &Progress::default()).await;
            taken.map_err(failed)?;
        }
        Whose::OwnedBy(sign) => screen.print(&format!(
            "Execution {id} is driven by {}, {}. This process does not drive it: it follows it as `drsctl watch` does, \
             and takes over when nothing is heard of that one for {}. `drsctl run {id} --take-over` does not wait for \
             that.",
            sign.host,
            heard(&sign, wall),
            report::duration(limits::OWNER_SILENCE)
        ))?,
    }
    Ok(())
}

/// A launch is assumed not to be sent only where there is one, and where nobody may be sending it now.
pub(super) async fn refuse_assumption<P: Ports>(
    operator: &Operator<P>,
    state: &State,
    take_over: bool,
) -> Result<(), Failure> {
    let id = &state.started.execution_id;
    let nothing = "Nothing was changed, and nothing was launched.";
    if state.unresolved().next().is_none() {
        return Err(Failure::new(format!(
            "the outcome of every launch of execution {id} is known, so there is nothing to assume"
        ))
        .safe(nothing)
        .help(format!("`drsctl run {id}` takes it up where it is.")));
    }
    let whose = operator.driver.whose(id, state).await;
    match whose.map_err(|error| operator.history.undriven(id, &error))? {
        Whose::OwnedBy(sign) if !take_over => Err(Failure::new(format!(
            "execution {id} is driven by {}, which may be sending the launch now",
            sign.host
        ))
        .safe(nothing)
        .help(format!(
            "`drsctl watch {id}` follows it. Where that process cannot be sending anything: end it, and wait until it counts as \
             gone, or `drsctl run {id} --take-over --assume-not-sent --reason TEXT`."
        ))),
        _ => Ok(()),
    }
}

/// Takes an operator's word that launches were not sent.
pub(super) async fn assume_not_sent<P: Ports>(
    operator: &Operator<P>,
    state: &State,
    reason: Option<&str>,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let id = &state.started.execution_id;
    let wall = operator.driver.clock.now().wall;
    for (launch, unknown) in state.unresolved() {
        let event = Event::LaunchNotCarriedOut {
            launch,
            assumed: true,
            reason: reason.map(ToOwned::to_owned),
        };
        super::ask::record(operator, id, "run on as if launches were not sent", event).await?;
        let names: Vec<&str> = unknown
            .servers
            .iter()
            .filter_map(|server| Some(state.servers.get(server)?.hostname.as_str()))
            .collect();
        screen.print(&format!(
            "On your word, launch {} of {} in {}, announced {} ago, was not sent. If it was, DRS launches these servers \
             twice, and the second launch deletes the instances of the first.",
            launch.0,
            names.join(", "),
            unknown.target,
            report::duration(wall.duration_since(unknown.signed_at).max(SignedDuration::ZERO)),
        ))?;
    }
    Ok(())
}

fn last_owner(state: &State) -> String {
    let owner = state.owner.as_ref();
    owner.map_or_else(String::new, |owner| {
        format!(" since {} left it or fell silent", owner.host)
    })
}

/// When somebody gave their last sign of life.
fn heard(sign: &SignOfLife, wall: jiff::Timestamp) -> String {
    let ago = wall.duration_since(sign.at).max(SignedDuration::ZERO);
    match ago.as_secs() {
        0 => "which gave a sign of life just now".to_owned(),
        _ => format!("which gave a sign of life {} ago", report::duration(ago)),
    }
}
