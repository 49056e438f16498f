-- cheat: switches the kernel off around a term
-- wall: gate
-- statement: : 1 = 2
set_option debug.skipKernelTC true in by decide +kernel
