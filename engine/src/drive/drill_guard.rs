//! The drill guard before a launch: a template may have been changed since the execution started.

use std::collections::BTreeMap;

use crate::decide::{LaunchPlan, beside, launches};
use crate::event::Event;
use crate::ids::Target;
use crate::ports::{Clock, Outside};
use crate::readiness::Named;
use crate::readiness::guard::Stopped;
use crate::store::items::Items;

use super::{DriveError, Driver, Run, Watch, together};

impl<D: Outside, I: Items, C: Clock> Driver<D, I, C> {
    /// The launches that may go on; none when it was recorded that nothing more may be launched.
    pub(super) async fn drill_guard<W: Watch>(
        &self,
        run: &mut Run<'_, W>,
        plans: Vec<LaunchPlan>,
    ) -> Result<Option<Vec<LaunchPlan>>, DriveError> {
        let Some(passed) = &run.state.started.drill_guard else {
            return Ok(Some(plans));
        };
        let guard = passed.guard();
        let wanted: Vec<_> = plans.iter().map(|plan| named(run, plan)).collect();
        let looks = wanted
            .iter()
            .map(|servers| self.check_drill_guard(&guard, servers));
        let found = together::all(looks).await;
        let mut passed = Vec::new();
        for (plan, found) in plans.into_iter().zip(found) {
            match found {
                Ok(_) => passed.push(plan),
                Err(stopped) if stopped.may_pass() => self.wait_for_guard(run, &plan, &stopped),
                Err(stopped) => {
                    let event = Event::DrillGuardTripped {
                        wave: plan.wave,
                        message: stopped.to_string(),
                    };
                    self.try_record(run, vec![event]).await?;
                    return Ok(None);
                }
            }
        }
        Ok(Some(beside::numbered(&run.state, passed)))
    }

    fn wait_for_guard<W: Watch>(&self, run: &mut Run<'_, W>, plan: &LaunchPlan, stopped: &Stopped) {
        let mut retry_after = None;
        for error in stopped.calls() {
            retry_after = retry_after.max(error.retry_after);
            run.watch.on_trouble(error);
        }
        let key = launches::guard_key(&plan.target);
        run.view.hold_back(&key, retry_after, self.clock.now());
    }
}

fn named<W>(run: &Run<'_, W>, plan: &LaunchPlan) -> BTreeMap<Target, Vec<Named>> {
    let servers = plan.servers.iter().map(|id| {
        let known = run.state.servers.get(id);
        let hostname = known.map_or(id.as_str(), |server| server.hostname.as_str());
        (id.clone(), hostname.to_owned())
    });
    BTreeMap::from([(plan.target.clone(), servers.collect())])
}
