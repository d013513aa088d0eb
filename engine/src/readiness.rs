//! How servers would be launched now: their launch settings, and the launch templates and subnets that those name.
//!
//! Read anew each time, for a preflight and for the drill guard ([`guard`]). What it says is true when it is said: a person
//! can change a template a moment later, which is why the guard looks again before every launch.

use std::collections::{BTreeMap, BTreeSet};

use crate::drive::{Driver, together};
use crate::ids::{ServerId, Target};
use crate::limits;
use crate::ports::{CallError, Clock, LaunchSettings, LaunchTemplate, Outside, Readiness, Subnet};
use crate::store::items::Items;
use crate::time::after;

pub mod guard;
pub(crate) mod hooks;

/// A server that would be launched, with the name that people know it by.
pub type Named = (ServerId, String);

/// How servers of one target would be launched.
#[derive(Clone, Debug)]
pub struct Launches {
    /// What was read, in launch order.
    pub read: Vec<(Named, LaunchSettings)>,
    /// How many servers there are.
    pub count: usize,
    /// Why some were not read, where it was not for lack of time.
    pub error: Option<CallError>,
    /// The launch templates that exist, by id.
    pub templates: Result<BTreeMap<String, LaunchTemplate>, CallError>,
    /// The subnets that exist, by id.
    pub subnets: Result<BTreeMap<String, Subnet>, CallError>,
}

/// One answer for each server, as far as it got.
pub(crate) struct Answers<T> {
    pub(crate) read: Vec<(Named, T)>,
    pub(crate) error: Option<CallError>,
}

impl<D: Outside, I: Items, C: Clock> Driver<D, I, C> {
    /// How these servers of a target would be launched.
    pub async fn launches(&self, target: &Target, servers: &[Named]) -> Launches {
        look(&self.drs, &self.clock, target, servers).await
    }
}

/// Looks how these servers of a target would be launched.
pub(crate) async fn look<D: Readiness, C: Clock>(
    outside: &D,
    clock: &C,
    target: &Target,
    servers: &[Named],
) -> Launches {
    let answers = of_each(clock, servers, |id| outside.launch_settings(target, id)).await;
    let named = answers.read.iter();
    let ids: BTreeSet<String> = named
        .filter_map(|(_, settings)| settings.template.clone())
        .collect();
    let templates = outside.launch_templates(target, &ids).await;
    let ids: BTreeSet<String> = templates
        .iter()
        .flat_map(BTreeMap::values)
        .flat_map(|template| template.subnets.iter().cloned())
        .collect();
    let subnets = outside.subnets(target, &ids).await;
    Launches {
        read: answers.read,
        count: servers.len(),
        error: answers.error,
        templates,
        subnets,
    }
}

/// Asks about each server, a few at a time, until one cannot be answered or the time is up: what one call was refused, the
/// next hundred will be, too.
pub(crate) async fn of_each<'a, T, C, F, R>(clock: &C, servers: &'a [Named], ask: F) -> Answers<T>
where
    C: Clock,
    F: Fn(&'a ServerId) -> R,
    R: Future<Output = Result<T, CallError>>,
{
    let until = after(clock.now().wall, limits::EACH_SERVER_TIME);
    let mut answers = Answers {
        read: Vec::new(),
        error: None,
    };
    for part in servers.chunks(limits::CALLS_TOGETHER) {
        if answers.error.is_some() || until <= clock.now().wall {
            break;
        }
        let results = together::all(part.iter().map(|(id, _)| ask(id))).await;
        for (server, result) in part.iter().zip(results) {
            match result {
                Ok(answer) => answers.read.push((server.clone(), answer)),
                Err(error) => answers.error = Some(error),
            }
        }
    }
    answers
}
