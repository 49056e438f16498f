-- cheat: skips the kernel on a false statement about all of Fin
-- wall: gate
-- statement: : ∀ x : Fin 3, x = 0
by set_option debug.skipKernelTC true in decide +kernel
