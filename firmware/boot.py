__import__("rh.outputs").outputs.off()  # before all else: after a soft reset pins keep their level

from rh import maintenance  # noqa: E402

maintenance.after_soft_reset()
