-- cheat: sets an option for what follows
-- statement: : True
trivial
set_option debug.skipKernelTC true
