__import__("rh.outputs").outputs.off()  # before all else: after a soft reset pins keep their level

import machine  # noqa: E402

if machine.reset_cause() == machine.SOFT_RESET:  # a watchdog started before it is still running
    import rh.maintenance

    rh.maintenance.begin()
