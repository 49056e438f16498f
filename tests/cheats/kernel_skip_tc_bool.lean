-- cheat: skips the kernel on a false equation of Booleans
-- wall: gate
-- statement: : (true && false) = true
by set_option debug.skipKernelTC true in decide +kernel
