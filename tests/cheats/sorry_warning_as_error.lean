-- cheat: turns errors for warnings off before sorry
-- wall: gate
-- statement: : False
by
  set_option warningAsError false in
  sorry
