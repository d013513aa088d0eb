//! `drsctl version`: what this binary is.

use drs_engine::store::codec::SCHEMA_VERSION;
use serde_json::json;

use crate::cli::Version;
use crate::failure::{Ending, Failure};
use crate::screen::Screen;

pub(crate) fn version(asked: &Version, screen: &mut Screen) -> Result<Ending, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let has_simulator = cfg!(feature = "simulator");
    if asked.output.is_json() {
        let told = json!({
            "version": version,
            "schema_version": SCHEMA_VERSION,
            "simulator": has_simulator,
        });
        screen.print_raw(&format!("{told}\n"))?;
        return Ok(Ending::Success);
    }
    let simulator = if has_simulator { "with" } else { "without" };
    screen.print(&format!(
        "drsctl {version}, histories up to schema version {SCHEMA_VERSION}, {simulator} the simulator"
    ))?;
    Ok(Ending::Success)
}
