//! `wave_order`: the order in which waves of a plan run, without any plan.

use std::collections::BTreeMap;

use drs_engine::ids::GroupId;
use drs_engine::plan::{Plan, PlanSpec, Wave, WaveSpec};
use serde::{Deserialize, Serialize};
use tfplugin::{Function, FunctionError, Parameter, Signature, Type};

/// The function.
pub(crate) struct WaveOrder;

/// A wave as far as its order goes. What else a wave of a plan has is passed over.
#[derive(Deserialize)]
pub(crate) struct OfWave {
    name: String,
    #[serde(default)]
    depends_on_waves: Option<Vec<String>>,
    #[serde(default)]
    wait_time_seconds: Option<i64>,
    #[serde(default)]
    timeout_seconds: Option<i64>,
}

/// What comes of it.
#[derive(Serialize)]
pub(crate) struct Order {
    stages: Vec<Vec<String>>,
    critical_path: Vec<String>,
}

impl Function for WaveOrder {
    type Arguments = (Vec<OfWave>,);
    type Output = Order;

    fn name(&self) -> &'static str {
        "wave_order"
    }

    fn signature(&self) -> Signature {
        let texts = Type::list(Type::String);
        let order = BTreeMap::from([
            ("stages".to_owned(), Type::list(texts.clone())),
            ("critical_path".to_owned(), texts),
        ]);
        Signature::new(
            "The order in which the waves of a plan run, and its longest chain.",
            Type::Object(order),
        )
        .describe(
            "Takes waves as a `drs_recovery_plan` has them, of which `name`, `depends_on_waves`, `wait_time_seconds` and \
             `timeout_seconds` count. A wave without `depends_on_waves` waits for the one before it.\n\n\
             - `stages`: names of waves, stage by stage; every wave of a stage may run once those before it have completed.\n\
             - `critical_path`: the chain of waves whose waits and timeouts are longest together, first to last.\n\n\
             A cycle, an unknown or a repeated name is an error.",
        )
        .parameter(
            Parameter::new("waves", Type::Dynamic)
                .describe("The waves: a list of objects, such as `drs_recovery_plan.shop.waves`."),
        )
    }

    fn call(&self, (waves,): (Vec<OfWave>,)) -> Result<Order, FunctionError> {
        let spec = PlanSpec {
            name: "order".to_owned(),
            waves: waves
                .into_iter()
                .enumerate()
                .map(OfWave::into_spec)
                .collect(),
            ..PlanSpec::default()
        };
        let plan = Plan::parse(&spec).map_err(|errors| {
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            FunctionError::new(texts.join("; ")).at(0)
        })?;
        let names = |waves: Vec<&Wave>| waves.into_iter().map(|wave| wave.name.clone()).collect();
        Ok(Order {
            stages: plan.stages().into_iter().map(names).collect(),
            critical_path: names(plan.critical_path()),
        })
    }
}

impl OfWave {
    fn into_spec((index, wave): (usize, Self)) -> WaveSpec {
        WaveSpec {
            name: wave.name,
            // An order needs no groups, and a wave of a plan has one of its own.
            protection_group_ids: vec![GroupId::new(format!("pg-{index}"))],
            depends_on_waves: wave.depends_on_waves,
            wait_time_seconds: wave.wait_time_seconds,
            timeout_seconds: wave.timeout_seconds,
            ..WaveSpec::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(name: &str, after: Option<&[&str]>, timeout: i64) -> OfWave {
        OfWave {
            name: name.to_owned(),
            depends_on_waves: after
                .map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            wait_time_seconds: None,
            timeout_seconds: Some(timeout),
        }
    }

    #[test]
    fn stages_and_the_longest_chain() {
        let waves = vec![
            wave("web", Some(&["app", "cache"]), 600),
            wave("db", Some(&[]), 3_600),
            wave("cache", Some(&[]), 7_200),
            wave("app", Some(&["db"]), 4_200),
        ];
        let order = WaveOrder.call((waves,)).unwrap();
        let expected: [&[&str]; 3] = [&["db", "cache"], &["app"], &["web"]];
        assert_eq!(order.stages, expected);
        assert_eq!(order.critical_path, ["db", "app", "web"]);
    }

    #[test]
    fn by_default_each_wave_waits_for_the_one_before() {
        let waves = vec![wave("a", None, 60), wave("b", None, 60)];
        let order = WaveOrder.call((waves,)).unwrap();
        assert_eq!(order.stages, [["a"], ["b"]]);
        assert_eq!(order.critical_path, ["a", "b"]);
    }

    #[test]
    fn what_has_no_order_is_refused() {
        let cycle = vec![wave("a", Some(&["b"]), 60), wave("b", Some(&["a"]), 60)];
        let unknown = vec![wave("a", Some(&["z"]), 60)];
        for waves in [cycle, unknown, Vec::new()] {
            let error = WaveOrder.call((waves,)).err().unwrap();
            assert_eq!(error.argument, Some(0), "{error}");
        }
    }
}
