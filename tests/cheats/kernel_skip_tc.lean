-- cheat: skips the kernel on a false decision
-- wall: gate
-- statement: : 1 = 2
by set_option debug.skipKernelTC true in decide +kernel
