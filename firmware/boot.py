try:  # before all else: after a soft reset pins keep their level
    __import__("rh.outputs").outputs.off()
except Exception as e:  # damaged on flash
    __import__("sys").print_exception(e)
    if __import__("machine").reset_cause() == __import__("machine").SOFT_RESET:
        __import__(
            "machine"
        ).reset()  # lets go of all pins; main.py, which finds another program, runs only if this ends

import gc

import machine

gc.threshold(8_192)  # collect early and often: less fragmentation, so that a kilobyte in one piece is found later
if machine.reset_cause() == machine.SOFT_RESET:  # a watchdog started before it is still running
    import rh.maintenance

    rh.maintenance.begin()
