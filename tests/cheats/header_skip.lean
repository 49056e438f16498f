-- cheat: switches the kernel off above the statement
-- wall: gate
-- statement: : 1 = 2
-- header: set_option debug.skipKernelTC true
by decide +kernel
