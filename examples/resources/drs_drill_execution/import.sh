# By the id of the execution, which `drsctl list` shows. A drill that was started elsewhere can be imported, too.
terraform import drs_drill_execution.quarterly exec-603592dcee0288d9d650ec237aa2d59f
