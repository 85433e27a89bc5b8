import { listed } from './function-names.ts';

/** Functions of the pinned DuckDB that sessions may not call, by why. See function-allowlist.ts for the others. */

/** Read or change the engine's state, run a parser on data, take internal representations on trust, or just wait. */
const ENGINE_STATE = `
  col_description combine current_connection_id current_query current_query_id current_schemas current_setting current_transaction_id currval
  finalize format_pg_type format_type get_block_size getvariable in_search_path json_deserialize_sql json_serialize_plan json_serialize_sql
  map_to_pg_oid nextval obj_description parse_duckdb_log_message remap_struct shobj_description sleep_ms stats txid_current
  variant_bytes_to_variant variant_to_parquet_variant vector_type version write_log
`;

/** Table functions that read files, catalogs, logs or settings, or run text as SQL. */
const OUTSIDE_AND_CATALOG = `
  arrow_scan arrow_scan_dumb check_peg_parser checkpoint disable_logging disable_peg_parser disable_profiling duckdb_approx_database_count
  duckdb_columns duckdb_connection_count duckdb_constraints duckdb_coordinate_systems duckdb_databases duckdb_dependencies duckdb_extensions
  duckdb_external_file_cache duckdb_functions duckdb_indexes duckdb_keywords duckdb_log_contexts duckdb_logs duckdb_logs_parsed duckdb_memory
  duckdb_optimizers duckdb_prepared_statements duckdb_profiling_settings duckdb_schemas duckdb_secret_types duckdb_secrets duckdb_sequences
  duckdb_settings duckdb_table_sample duckdb_tables duckdb_temporary_files duckdb_types duckdb_variables duckdb_views enable_logging
  enable_peg_parser enable_profiling force_checkpoint glob histogram_values json_execute_serialized_sql parquet_bloom_probe
  parquet_file_metadata parquet_full_metadata parquet_kv_metadata parquet_metadata parquet_scan parquet_schema pragma_collations
  pragma_database_size pragma_metadata_info pragma_platform pragma_show pragma_storage_info pragma_table_info pragma_user_agent pragma_version
  query query_table read_blob read_csv read_csv_auto read_duckdb read_json read_json_auto read_json_objects read_json_objects_auto read_ndjson
  read_ndjson_auto read_ndjson_objects read_parquet read_text seq_scan sniff_csv sql_auto_complete summary test_vector_types
  truncate_duckdb_logs which_secret
`;

/** Reached by PRAGMA and CALL. */
const PRAGMAS = `
  add_parquet_key all_profiling_output collations copy_database database_list database_size disable_checkpoint_on_shutdown
  disable_object_cache disable_optimizer disable_print_progress_bar disable_profile disable_progress_bar disable_verification
  disable_verify_external disable_verify_fetch_row disable_verify_parallelism disable_verify_serializer enable_checkpoint_on_shutdown
  enable_object_cache enable_optimizer enable_print_progress_bar enable_profile enable_progress_bar enable_verification extension_versions
  functions import_database metadata_info platform show show_databases show_tables show_tables_expanded storage_info table_info user_agent
  verify_external verify_fetch_row verify_parallelism verify_serializer
`;

/** The optimizer's own; they trust their arguments. */
const INTERNALS = `
  __internal_compress_integral_ubigint __internal_compress_integral_uinteger __internal_compress_integral_usmallint
  __internal_compress_integral_utinyint __internal_compress_string_hugeint __internal_compress_string_ubigint
  __internal_compress_string_uhugeint __internal_compress_string_uinteger __internal_compress_string_usmallint
  __internal_compress_string_utinyint __internal_decompress_integral_bigint __internal_decompress_integral_hugeint
  __internal_decompress_integral_integer __internal_decompress_integral_smallint __internal_decompress_integral_ubigint
  __internal_decompress_integral_uhugeint __internal_decompress_integral_uinteger __internal_decompress_integral_usmallint
  __internal_decompress_string
`;

/** PostgreSQL's catalog and privilege functions, and its sleep. */
const POSTGRES_CATALOG = `
  has_any_column_privilege has_column_privilege has_database_privilege has_foreign_data_wrapper_privilege has_function_privilege
  has_language_privilege has_schema_privilege has_sequence_privilege has_server_privilege has_table_privilege has_tablespace_privilege
  inet_client_addr inet_client_port inet_server_addr inet_server_port pg_collation_is_visible pg_conf_load_time pg_conversion_is_visible
  pg_function_is_visible pg_get_constraintdef pg_get_expr pg_get_viewdef pg_has_role pg_is_other_temp_schema pg_my_temp_schema
  pg_opclass_is_visible pg_operator_is_visible pg_opfamily_is_visible pg_postmaster_start_time pg_sleep pg_table_is_visible
  pg_ts_config_is_visible pg_ts_dict_is_visible pg_ts_parser_is_visible pg_ts_template_is_visible pg_type_is_visible
`;

/** In no list of this build, but known from DuckDB's shell and extensions. */
const ELSEWHERE = `
  getenv
`;

export const REFUSED_FUNCTIONS: ReadonlySet<string> = new Set(
  [ENGINE_STATE, OUTSIDE_AND_CATALOG, PRAGMAS, INTERNALS, POSTGRES_CATALOG, ELSEWHERE].flatMap((names) => [...listed(names)]),
);
