//! Whether what the hooks and checks of waves run is there: a function or a document that was misspelt, or never made, is
//! better known before an execution than in the middle of it.
//!
//! It looks only. What cannot be read is no reason not to start: a hook that fails has a failure policy of its own.

use std::collections::{BTreeMap, BTreeSet};

use crate::drive::{Driver, together};
use crate::event::FrozenWave;
use crate::frozen::{Frozen, FrozenServer};
use crate::ids::Target;
use crate::limits;
use crate::ports::{Action, CallError, Clock, Outside};
use crate::store::items::Items;

/// What came of looking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// How many functions and documents were looked for.
    pub(crate) count: usize,
    /// What does not exist.
    pub(crate) missing: Vec<Missing>,
    /// Where it could not be looked, once for each target, and why.
    pub(crate) unread: BTreeMap<Target, CallError>,
}

/// A function or a document that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Where it was looked for.
    pub(crate) target: Target,
    /// Whether it is a function; a document otherwise.
    pub(crate) is_function: bool,
    /// The waves that would run it.
    pub(crate) waves: Vec<String>,
    /// What it is and what would run it, as the beginning of a sentence.
    pub(crate) text: String,
}

/// Something that would be run, and for what.
struct Wanted<'a> {
    target: Target,
    action: Action,
    by: Vec<(&'a str, String)>,
}

impl<D: Outside, I: Items, C: Clock> Driver<D, I, C> {
    /// Looks for everything that the hooks and checks of these waves run. Waves without a server run nothing.
    pub(crate) async fn look_for_hooks(&self, waves: &[FrozenWave], frozen: &Frozen) -> Found {
        let mut wanted = Vec::new();
        for (wave, servers) in waves.iter().zip(&frozen.waves) {
            if !servers.is_empty() {
                of_wave(wave, servers, &mut wanted);
            }
        }
        let mut found = Found {
            count: wanted.len(),
            ..Found::default()
        };
        for part in wanted.chunks(limits::CALLS_TOGETHER) {
            let looks = part
                .iter()
                .map(|one| self.drs.is_there(&one.target, &one.action));
            for (one, there) in part.iter().zip(together::all(looks).await) {
                match there {
                    Ok(true) => {}
                    Ok(false) => found.missing.push(one.missing()),
                    Err(error) => {
                        found.unread.entry(one.target.clone()).or_insert(error);
                    }
                }
            }
        }
        found
    }
}

/// What one wave runs. Hooks are placed when a plan is frozen, so that every one says where.
fn of_wave<'a>(wave: &'a FrozenWave, servers: &[FrozenServer], wanted: &mut Vec<Wanted<'a>>) {
    let before = wave.before_hooks.iter().map(|hook| ("before", hook));
    let after = wave.after_hooks.iter().map(|hook| ("after", hook));
    for (when, hook) in before.chain(after) {
        if let (Some(account_id), Some(region)) = (&hook.account_id, &hook.region) {
            let target = Target {
                account_id: account_id.clone(),
                region: region.clone(),
            };
            let what = format!("hook {:?} {when} it", hook.name);
            want(wanted, target, hook.action.clone(), &wave.name, what);
        }
    }
    let Some(checks) = &wave.checks else { return };
    if let Some(check) = &checks.command {
        let targets: BTreeSet<&Target> = servers.iter().map(|server| &server.target).collect();
        for target in targets {
            let action = Action::Command {
                document: check.document.clone(),
                version: None,
                parameters: BTreeMap::new(),
                instances: Vec::new(),
            };
            let what = "command of its checks".to_owned();
            want(wanted, target.clone(), action, &wave.name, what);
        }
    }
    if let Some((check, target)) = checks
        .function
        .as_ref()
        .and_then(|it| Some((it, it.target.as_ref()?)))
    {
        let function = check.function.clone();
        let what = "function of its checks".to_owned();
        want(
            wanted,
            target.clone(),
            Action::Lambda { function },
            &wave.name,
            what,
        );
    }
}

/// Asks for each thing once, however many hooks run it.
fn want<'a>(
    wanted: &mut Vec<Wanted<'a>>,
    target: Target,
    action: Action,
    wave: &'a str,
    what: String,
) {
    let known = wanted
        .iter_mut()
        .find(|one| one.target == target && thing(&one.action) == thing(&action));
    match known {
        Some(one) => one.by.push((wave, what)),
        None => wanted.push(Wanted {
            target,
            action,
            by: vec![(wave, what)],
        }),
    }
}

/// What must exist: of a function its name, of a document its name and its version.
fn thing(action: &Action) -> (&'static str, &str, Option<&str>) {
    match action {
        Action::Lambda { function } => ("function", function, None),
        Action::Automation {
            document, version, ..
        }
        | Action::Command {
            document, version, ..
        } => ("document", document, version.as_deref()),
    }
}

impl Wanted<'_> {
    fn missing(&self) -> Missing {
        Missing {
            target: self.target.clone(),
            is_function: matches!(self.action, Action::Lambda { .. }),
            waves: self.by.iter().map(|(wave, _)| (*wave).to_owned()).collect(),
            text: self.told(),
        }
    }

    fn told(&self) -> String {
        let (kind, name, version) = thing(&self.action);
        let version = version.map(|version| format!(" version {version}"));
        let by = self.by.iter();
        let by: Vec<String> = by
            .map(|(wave, what)| format!("wave {wave:?}, the {what}"))
            .collect();
        format!(
            "the {kind} {name:?}{} does not exist in {}: {}",
            version.unwrap_or_default(),
            self.target,
            by.join("; ")
        )
    }
}
