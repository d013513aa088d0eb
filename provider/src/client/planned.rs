//! What the same apply is going to write, as far as it was planned in this process.
//!
//! A host plans a resource after those that it refers to, so what is noted of them here is how they will be when it is
//! applied. Nothing here is read from AWS, and a provider that is configured anew has noted nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use drs_engine::ids::{ExecutionId, GroupId, PlanId};
use drs_engine::plan::PlanSpec;
use drs_engine::resolve::Meanwhile;
use drs_engine::store::group::GroupConfig;
use drs_engine::store::plan::StoredPlan;
use tfplugin::Attr;

/// What was planned.
#[derive(Default)]
pub(crate) struct Planned(Mutex<Noted>);

#[derive(Default)]
struct Noted {
    /// The Regions of targets by account.
    targets: BTreeMap<String, Attr<BTreeSet<String>>>,
    /// Plans and groups that are changed in place; none where not everything is known.
    plans: BTreeMap<PlanId, Option<PlanSpec>>,
    groups: BTreeMap<GroupId, Option<GroupConfig>>,
    /// Executions that are ended with their resources.
    ended: BTreeSet<ExecutionId>,
}

impl Planned {
    /// Notes the Regions that a target is going to have.
    pub(crate) fn note_target(&self, account: &str, regions: Attr<BTreeSet<String>>) {
        self.lock().targets.insert(account.to_owned(), regions);
    }

    /// The Regions that a target is going to have; none where it was not planned.
    pub(crate) fn target(&self, account: &str) -> Option<Attr<BTreeSet<String>>> {
        self.lock().targets.get(account).cloned()
    }

    /// Notes how a plan is going to be; none while part of it is not known.
    pub(crate) fn note_plan(&self, id: &str, spec: Option<PlanSpec>) {
        self.lock().plans.insert(PlanId::new(id), spec);
    }

    /// Notes how a group is going to be; none while part of it is not known.
    pub(crate) fn note_group(&self, id: &str, config: Option<GroupConfig>) {
        self.lock().groups.insert(GroupId::new(id), config);
    }

    /// Notes that an execution is ended with its resource.
    pub(crate) fn note_end(&self, id: &str) {
        self.lock().ended.insert(ExecutionId::new(id));
    }

    /// What is different by the time that a plan is run; none while part of that is not known.
    pub(crate) fn meanwhile(&self, plan: &StoredPlan) -> Option<Meanwhile> {
        let noted = self.lock();
        let spec = match noted.plans.get(&plan.id) {
            Some(planned) => Some(planned.clone()?),
            None => None,
        };
        let waves = &spec.as_ref().unwrap_or(&plan.spec).waves;
        let mut groups = BTreeMap::new();
        for id in waves.iter().flat_map(|wave| &wave.protection_group_ids) {
            if let Some(config) = noted.groups.get(id) {
                groups.insert(id.clone(), config.clone()?);
            }
        }
        Some(Meanwhile {
            plan: spec,
            groups,
            ended: noted.ended.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
