-- cheat: wraps sorry in show_term
-- wall: gate
-- statement: : False
by show_term sorry
