-- cheat: mixes the option with asynchronous elaboration
-- wall: gate
-- statement: : 3 = 4
by set_option Elab.async true in set_option debug.skipKernelTC true in decide +kernel
