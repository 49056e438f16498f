-- cheat: silences the warning of sorry
-- wall: gate
-- statement: : False
by set_option warn.sorry false in sorry
