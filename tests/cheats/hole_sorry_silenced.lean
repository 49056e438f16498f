-- cheat: silences the warning of sorry
-- statement: : False
by set_option warn.sorry false in sorry
