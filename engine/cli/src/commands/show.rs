//! `drsctl show`: one execution, where it stands, what happened, and what can be done next.

use drs_engine::decide::is_done;
use drs_engine::ids::ExecutionId;
use drs_engine::ports::Clock;
use drs_engine::report::{self, Driven};
use drs_engine::state::State;
use drs_engine::store::items::Items;
use serde_json::Value;

use crate::cli::Show;
use crate::failure::{Ending, Failure};
use crate::history::{History, Loaded};
use crate::json;
use crate::screen::Screen;

use super::{advice, change_of_plan};

pub(crate) async fn show<I: Items + Clone, C: Clock>(
    history: &History<I, C>,
    asked: &Show,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let id = history.choose(asked.execution.as_deref()).await?;
    let loaded = history.load(&id).await?;
    if asked.output.is_json() {
        return show_json(history, &id, loaded, asked.timeline, screen).await;
    }
    let told = report::timeline(loaded.frozen, &loaded.events);
    let (state, _, timeline) = told.map_err(|error| history.illegal(&id, &error))?;
    let driven = history.driven(&state).await;
    let driven = driven.map_err(|error| history.unreadable(&error))?;
    screen.print(&head(&state, driven))?;
    screen.print(&report::table(&state, history.clock.now().world))?;
    if asked.timeline {
        screen.print(&format!("\ntimeline:\n{}", timeline.join("\n")))?;
    }
    if let Some(remark) = change_of_plan(history, &state).await {
        screen.print(&format!("\n{remark}"))?;
    }
    screen.print(&advice(&state, driven))?;
    Ok(Ending::Success)
}

async fn show_json<I: Items + Clone, C: Clock>(
    history: &History<I, C>,
    id: &ExecutionId,
    loaded: Loaded,
    timeline: bool,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let told = json::fold(&loaded.frozen, &loaded.events);
    let (state, events) = told.map_err(|error| history.illegal(id, &error))?;
    let driven = history.driven(&state).await;
    let driven = driven.map_err(|error| history.unreadable(&error))?;
    let mut document = json::execution(&state, driven);
    document["plan_changed"] = change_of_plan(history, &state).await.is_some().into();
    if timeline {
        document["timeline"] = Value::Array(events);
    }
    screen.print_raw(&format!("{document}\n"))?;
    Ok(Ending::Success)
}

fn head(state: &State, driven: Driven) -> String {
    let mut lines = report::about(state);
    let reason = state.started.inputs.get(json::REASON);
    if let Some(reason) = reason.and_then(Value::as_str) {
        lines.push(format!("because {reason}"));
    }
    for unchecked in &state.started.unchecked {
        lines.push(format!("without {}: {}", unchecked.guard, unchecked.reason));
    }
    if !is_done(state) {
        lines.push(report::driver(state, driven));
    }
    lines.push(String::new());
    lines.push(String::new());
    lines.join("\n")
}
