-- cheat: hides the option's name behind a comment
-- wall: gate
-- statement: : 1 = 2
by set_option /- x -/ debug.skipKernelTC true in decide +kernel
