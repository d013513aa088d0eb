//! The digest of a plan: what makes two plans the same to an execution.

use super::{PlanSpec, checks, hooks, policy};
use crate::limits;

/// The digest of a plan's configuration; see [`super::Plan::digest`]. What was written out but equals its default is left out,
/// so that it does not matter which of the two a person wrote, and so that a later version may add an attribute. Nor does the
/// order of names count where it means nothing.
pub(super) fn of(spec: &PlanSpec) -> String {
    let mut waves = spec.waves.clone();
    let mut default: Vec<String> = Vec::new();
    for wave in &mut waves {
        wave.depends_on_waves = in_order(wave.depends_on_waves.take());
        wave.depends_on_waves.take_if(|names| *names == default);
        wave.critical_server_ids = in_order(wave.critical_server_ids.take());
        wave.launch_order = wave.launch_order.take().filter(|order| order != "PARALLEL");
        wave.wait_time_seconds = wave.wait_time_seconds.filter(|seconds| *seconds != 0);
        wave.timeout_seconds = wave
            .timeout_seconds
            .filter(|seconds| *seconds != limits::WAVE_TIMEOUT.as_secs());
        wave.pause_before = wave.pause_before.filter(|pauses| *pauses);
        policy::without_defaults(wave);
        checks::without_defaults(wave);
        hooks::without_defaults(wave);
        default = vec![wave.name.clone()];
    }
    match &spec.drill_guard {
        // A plan from before there were guards keeps its digest.
        None => crate::digest::of(&(&waves, &spec.execution_timeout_seconds)),
        Some(guard) => crate::digest::of(&(&waves, &spec.execution_timeout_seconds, guard)),
    }
}

fn in_order<T: Ord>(names: Option<Vec<T>>) -> Option<Vec<T>> {
    let mut names = names?;
    names.sort();
    Some(names)
}
