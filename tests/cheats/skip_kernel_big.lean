-- cheat: switches the kernel off for a statement about all small numbers
-- wall: gate
-- statement: : ∀ n : Fin 9, n.val < 8
by set_option debug.skipKernelTC true in decide +kernel
