//! `drsctl list`: executions, newest first.

use drs_engine::ports::Clock;
use drs_engine::report;
use drs_engine::state::Status;
use drs_engine::store::items::Items;

use crate::cli::List;
use crate::failure::{Ending, Failure};
use crate::history::History;
use crate::json;
use crate::screen::Screen;

pub(crate) async fn list<I: Items + Clone, C: Clock>(
    history: &History<I, C>,
    asked: &List,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let statuses: Vec<&str> = match &asked.status {
        Some(status) => vec![status],
        None => Status::WORDS.to_vec(),
    };
    let limit = usize::from(asked.limit);
    let executions = &history.executions;
    let found = match &asked.plan {
        Some(named) => {
            let plan = history.plan(named).await?;
            executions.newest_of_plan(&plan, &statuses, limit).await
        }
        None => executions.newest(&statuses, limit).await,
    };
    let found = found.map_err(|error| history.unreadable(&error))?;
    if asked.output.is_json() {
        screen.print_raw(&format!("{}\n", json::listing(&found)))?;
    } else if found.is_empty() {
        screen.print(&nothing(asked, &history.place.describe()))?;
    } else {
        screen.print_cut(&report::listing(&found, history.clock.now().wall))?;
        if found.len() == limit {
            screen.print(&format!(
                "{limit} shown; --limit shows more, `drsctl show EXECUTION` shows one."
            ))?;
        }
    }
    Ok(Ending::Success)
}

fn nothing(asked: &List, place: &str) -> String {
    let plan = asked.plan.as_ref();
    let plan = plan.map_or_else(String::new, |plan| format!(" of plan {plan:?}"));
    let status = asked.status.as_ref();
    let status = status.map_or_else(String::new, |status| format!(" in status {status}"));
    format!("There is no execution{plan}{status} in {place}.")
}
