-- cheat: sets an option for what follows
-- wall: gate
-- statement: : True
trivial
set_option debug.skipKernelTC true
