__import__("rh.outputs").outputs.off()  # before all else: after a soft reset pins keep their level

import gc  # noqa: E402

import machine  # noqa: E402

gc.threshold(8_192)  # collect early and often: less fragmentation, so that a kilobyte in one piece is found later
if machine.reset_cause() == machine.SOFT_RESET:  # a watchdog started before it is still running
    import rh.maintenance

    rh.maintenance.begin()
