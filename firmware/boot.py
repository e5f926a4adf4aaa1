__import__("rh.outputs").outputs.off()  # before all else: after a soft reset pins keep their level

import gc  # noqa: E402

import machine  # noqa: E402

gc.threshold(8_192)  # collect early and often: compiling and frames leave no holes that a later kilobyte misses
if machine.reset_cause() == machine.SOFT_RESET:  # a watchdog started before it is still running
    import rh.maintenance

    rh.maintenance.begin()
