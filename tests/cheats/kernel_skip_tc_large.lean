-- cheat: skips the kernel on a false decision over numbers
-- wall: gate
-- statement: : 2 ^ 10 = 1025
by set_option debug.skipKernelTC true in decide +kernel
