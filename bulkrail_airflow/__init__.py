"""What Airflow must import from an installed package: triggers, operators, the plugin."""
